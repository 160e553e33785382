"""`practice import`, against an installation that runs: its workers, its database, its API."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from deploy.local.cli import app
from deploy.local.client import Practice
from deploy.local.ground import Kafka
from deploy.local.installation import Installation, Plan, State
from deploy.local.installation.keys import Keys
from deploy.local.postgres import Postgres
from shared.auth import Role
from tests.scheduling.conftest import ADDRESS, LOCATION, PATIENT


class Place:
    def __init__(self, run: Path, state: State, location_id: str) -> None:
        self.run, self.state, self.location_id = run, state, location_id

    def import_(self, file: Path, *words: str) -> Result:
        named = ["--run", str(self.run), "import", str(file), "--location", self.location_id]
        return CliRunner().invoke(app, [*named, *words])

    async def listed(self) -> list[dict[str, Any]]:
        async with Practice(self.state) as practice:
            path = "/appointments"
            return [item async for item in practice.items("scheduling", path, role=Role.FRONT_DESK)]


@pytest.fixture(scope="module")
async def place(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """An installation with one location, on the session's servers."""
    run = tmp_path_factory.mktemp("run")
    mark = f"i{uuid4().hex[:8]}"
    plan = Plan(
        run / "up",
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="+12025550100",
        topic_prefix=f"{mark}.",
        database_prefix=f"{mark}_",
    )
    now = datetime(2026, 10, 5, 14, 0, tzinfo=UTC)
    async with Installation(plan, starts_at=now, rate=0, kafka=kafka, postgres=postgres) as made:
        async with Practice(made.state()) as practice:
            location = await practice.post("scheduling", "/locations", LOCATION, role=Role.OPS)
        yield Place(run, made.state(), location["location_id"])


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRACTICE_SERVICES", "PRACTICE_KAFKA_BOOTSTRAP_SERVERS", "PRACTICE_TOPIC_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def patients(file: Path, count: int, **wrong: str) -> Path:
    """A sheet of so many patients, the last of them with something wrong."""
    card = {name: text for name, text in PATIENT.items() if name != "address"} | ADDRESS
    rows = [
        card | {"source_id": f"{file.stem}-{n}", "last_name": f"Canary {file.stem} {n}"}
        for n in range(count)
    ]
    rows[-1] |= wrong
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_a_dry_run_says_what_is_wrong_and_where(place: Place, tmp_path: Path):
    told = place.import_(patients(tmp_path / "a.csv", 3, state="Virginia"), "--dry-run")
    assert told.exit_code == 1
    assert "the two letters that the post has for a state" in " ".join(told.output.split())
    assert "3 rows: 2 right, not on file yet, 1 wrong." in told.output
    [row] = [line for line in told.output.splitlines() if "This is no state" in line]
    assert row.split()[:2] == ["4", "state"]
    assert "Virginia" not in told.output


def test_a_person_who_stands_in_the_file_twice_comes_in_by_a_word(place: Place, tmp_path: Path):
    file = patients(tmp_path / "e.csv", 2, last_name="Canary e 0")
    told = place.import_(file)
    assert told.exit_code == 1
    assert "Line 2 is of the same name and birth date" in " ".join(told.output.split())
    told = place.import_(file, "--other-person", "e-1")
    assert told.exit_code == 0, told.output
    assert "2 rows: 2 put on file." in told.output


def test_a_file_is_put_on_file_once_however_often_it_is_imported(place: Place, tmp_path: Path):
    file = patients(tmp_path / "b.csv", 250)
    told = place.import_(file)
    assert told.exit_code == 0, told.output
    assert "250 rows: 250 put on file." in told.output
    assert "250 rows: 250 on file before." in place.import_(file).output


def test_with_one_wrong_row_nothing_is_put_on_file_unless_told(place: Place, tmp_path: Path):
    file = patients(tmp_path / "c.csv", 3, email="none")
    told = place.import_(file)
    assert told.exit_code == 1
    assert "2 right, not on file yet, 1 wrong." in told.output
    told = place.import_(file, "--skip-wrong")
    assert "2 put on file, 1 wrong." in told.output


def test_a_file_that_is_no_sheet_is_one_line_that_says_what_would_be_right(
    place: Place, tmp_path: Path
):
    file = tmp_path / "d.csv"
    file.write_text("a,b\n1,2\n")
    told = place.import_(file)
    assert told.exit_code == 1
    assert told.output.startswith("The first line names no source_id and no first_name")
    file.write_bytes(b"\xff\xfe")
    told = place.import_(file)
    assert (told.exit_code, len(told.output.splitlines())) == (1, 1)
    assert "not in UTF-8" in told.output
    assert asyncio.run(place.listed()) == []
