"""Calendar files, FHIR, links and imports keep to their OpenAPI document, whatever is sent."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer
from tests.scheduling.imported import person, sheet
from tests.support.seeds import same_seed
from tests.support.serving import serving

ROUTES = r"/fhir/|calendar\.ics|^/book|booking-links|/imports"


async def make_link(clinic: Clinic, patient_id: str) -> dict[str, str]:
    wish = {"location_id": clinic.location_id, "clinician_id": clinic.clinician_id}
    return dict(await clinic.post(f"/patients/{patient_id}/booking-links", wish))


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real socket."""
    async with serving(app) as url:
        yield url


async def test_schemathesis_finds_nothing(clinic: Clinic, url: str, tmp_path: Path) -> None:
    """Asked about what is on record, so that more than a 404 is tried."""
    series = await clinic.series()
    visit = series["appointments"][0]
    figures = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await clinic.post("/visit-types/preparation/figures", figures)
    link = await make_link(clinic, series["patient_id"])
    to_revoke = await make_link(clinic, series["patient_id"])
    opened = await clinic.post(
        "/imports",
        {
            "kind": "patients",
            "source": "old",
            "location_id": clinic.location_id,
            "content": sheet([person(1), person(2, state="?")]),
        },
    )
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.patient_id" = "{series["patient_id"]}"\n'
        f'"path.series_id" = "{series["series_id"]}"\n'
        f'"path.appointment_id" = "{visit["appointment_id"]}"\n'
        f'"path.slot_id" = "{visit["appointment_id"]}"\n'
        f'"path.schedule_id" = "{visit["chair_id"]}"\n'
        '"query.cursor" = "WzFd"\n'  # behind line 1
        f'"path.token" = "{link["path"].removeprefix("/book/")}"\n'
        f'"path.link_id" = "{to_revoke["link_id"]}"\n'
        f'"path.location_id" = "{clinic.location_id}"\n'
        f'"path.practitioner_id" = "{clinic.clinician_id}"\n'
        f'"path.import_id" = "{opened["import_id"]}"\n'
        # What no pattern can say, FHIR refuses with a 400: a date that is in no calendar.
        '[[operations]]\ninclude-path-regex = "^/fhir/"\n'
        "checks.positive_data_acceptance.expected-statuses = [200, 400, 404]\n"
        # It makes its keys anew for each operation, and one that was used elsewhere is refused.
        '[[operations]]\ninclude-method = "POST"\n'
        "checks.positive_data_acceptance.expected-statuses = [200, 201, 303, 404, 409, 422]\n"
    )
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--include-path-regex", ROUTES),
        *("--header", f"Authorization: {bearer(Role.FRONT_DESK)['Authorization']}"),
        *("--max-examples", "20", "--seed", same_seed(), "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asked.communicate()
    assert asked.returncode == 0, said.decode()[-5000:]
