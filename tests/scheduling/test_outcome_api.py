"""The routes of outcomes keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer
from tests.scheduling.forms import form, record
from tests.support.seeds import same_seed
from tests.support.serving import serving

ROUTES = "/outcomes|/reviews"
ROOT = Path(__file__).parents[2]
HOOKS = "tests.support.schemathesis_hooks"


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real socket."""
    async with serving(app) as url:
        yield url


async def test_schemathesis_finds_nothing(clinic: Clinic, url: str, tmp_path: Path) -> None:
    """Asked about a patient on file, so that more than a 404 is tried."""
    series = await clinic.series()
    recorded = await record(clinic, series["patient_id"], form("phq9", 12, item_9=1))
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.patient_id" = "{series["patient_id"]}"\n'
        f'"path.series_id" = "{series["series_id"]}"\n'
        f'"path.outcome_id" = "{recorded["outcome_id"]}"\n'
        f'"path.review_id" = "{recorded["reviews"][0]["review_id"]}"\n'
    )
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--include-path-regex", ROUTES),
        *("--header", f"Authorization: {bearer(Role.NURSE)['Authorization']}"),
        *("--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", "20", "--seed", same_seed(), "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asked.communicate()
    assert asked.returncode == 0, said.decode()[-5000:]
