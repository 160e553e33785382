"""The routes that change a course keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.scheduling.conftest import NOW, Clinic, every
from tests.support.seeds import same_seed
from tests.support.serving import serving

ROUTES = (
    "/holds|/replans|/overrides|/waitlist|/offers|/gap-risks|/missed-visits|/house-figures"
    "|/sessions$|/attend$"
)
ROOT = Path(__file__).parents[2]
YEARS = "understood"
"""Years beyond any calendar of ours are refused, for which a schema of moments has no word."""

HOOKS = "tests.support.schemathesis_hooks"


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real socket."""
    async with serving(app) as url:
        yield url


async def test_schemathesis_finds_nothing(clinic: Clinic, url: str, tmp_path: Path) -> None:
    """Asked about what is on file, so that more than a 404 is tried."""
    await clinic.opens()
    series = await clinic.series()
    at = f"/series/{series['series_id']}"
    proposed = await clinic.post(f"{at}/replans", {"change": {
        "kind": "cancel",
        "appointment_id": series["appointments"][1]["appointment_id"],
        "reason": "patient_asked",
    }})  # fmt: skip
    signed = await clinic.post(
        f"{at}/overrides",
        {
            "rule": "series_gap",
            "gap_min_days": 1,
            "clinician_id": clinic.clinician_id,
            "reason": "Made up.",
        },
    )
    plan = clinic.wish(await clinic.patient(), every(3, 6), chair_id=await clinic.chair())
    del plan["prescriber_id"], plan["diagnoses"]
    hold = await clinic.post("/holds", plan)
    figures = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await clinic.post("/visit-types/preparation/figures", figures)
    session = await clinic.post(f"/patients/{series['patient_id']}/sessions", {
        "location_id": clinic.location_id,
        "led_by": clinic.clinician_id,
        "visit_type": "preparation",
        "starts_at": (NOW + timedelta(hours=1)).isoformat(),
    })  # fmt: skip
    await clinic.step(session, "check-in")
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.patient_id" = "{series["patient_id"]}"\n'
        f'"path.appointment_id" = "{session["appointment_id"]}"\n'
        f'"path.series_id" = "{series["series_id"]}"\n'
        f'"path.replan_id" = "{proposed["replan_id"]}"\n'
        f'"path.override_id" = "{signed["override_id"]}"\n'
        f'"path.hold_id" = "{hold["hold_id"]}"\n'
    )
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--include-path-regex", ROUTES),
        *("--header", f"Authorization: {clinic.headers['Authorization']}"),
        *("--exclude-checks", f"positive_data_acceptance,{YEARS}"),
        *("--max-examples", "3", "--seed", same_seed(), "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await asked.communicate()
    assert asked.returncode == 0, told.decode()[-8000:]
