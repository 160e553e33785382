"""Calendar files and FHIR keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer
from tests.support.serving import serving

ROUTES = r"/fhir/|calendar\.ics"


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real socket."""
    async with serving(app) as url:
        yield url


async def test_schemathesis_finds_nothing(clinic: Clinic, url: str, tmp_path: Path) -> None:
    """Asked about what is on record, so that more than a 404 is tried."""
    series = await clinic.series()
    visit = series["appointments"][0]
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.patient_id" = "{series["patient_id"]}"\n'
        f'"path.series_id" = "{series["series_id"]}"\n'
        f'"path.appointment_id" = "{visit["appointment_id"]}"\n'
        f'"path.slot_id" = "{visit["appointment_id"]}"\n'
        f'"path.schedule_id" = "{visit["chair_id"]}"\n'
    )
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--include-path-regex", ROUTES),
        *("--header", f"Authorization: {bearer(Role.FRONT_DESK)['Authorization']}"),
        *("--max-examples", "20", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asked.communicate()
    assert asked.returncode == 0, said.decode()[-5000:]
