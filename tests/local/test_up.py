"""`practice up`: ended by Ctrl-C with nothing left, and started again with what it kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.client import Practice
from deploy.local.installation import State
from deploy.local.postgres import EmbeddedPostgres
from shared.auth import Role
from tests.local.command import Command

CANARY = {
    "first_name": "Testa",
    "last_name": "Canary",
    "birth_date": "1970-02-03",
    "phone": "+12025550142",
    "email": "canary@example.com",
    "address": {"line1": "2 Dry Street", "city": "Phoenix", "state": "AZ", "postal_code": "85001"},
    "concerns": [],
}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    """A folder of runs; the database that `practice up` keeps is taken away after the test."""
    yield tmp_path / "run"
    EmbeddedPostgres(tmp_path / "run" / "up" / "postgres").destroy()


def _registers(run: Path) -> str:
    async def register() -> dict[str, Any]:
        async with Practice(State.under(run)) as practice:
            return await practice.post("scheduling", "/patients", CANARY, role=Role.FRONT_DESK)

    return str(asyncio.run(register())["patient_id"])


def _reads(run: Path, patient_id: str) -> dict[str, Any]:
    async def read() -> Any:
        async with Practice(State.under(run)) as practice:
            return await practice.get("scheduling", f"/patients/{patient_id}", role=Role.FRONT_DESK)

    return dict(asyncio.run(read()))


def test_it_stays_until_ctrl_c_leaves_nothing_running_and_keeps_what_it_stored(run: Path):
    with Command(run, "up") as first:
        first.until_it_says("Ctrl-C ends everything.")
        children = first.children()
        assert len(children) >= 7  # four services, the outside world, PostgreSQL, the broker
        assert ((run / "up" / "state.json").stat().st_mode & 0o777) == 0o600
        assert ((run / "up" / "keys.json").stat().st_mode & 0o777) == 0o600
        addresses = State.under(run).services
        assert all(f"{url}/docs" in first.output for url in addresses.values())
        assert "practice token front_desk" in first.output
        patient_id = _registers(run)
        with Command(run, "up") as second:
            assert second.ends() == 1
            assert "it runs already, as process" in second.output
        first.interrupt()
        assert first.ends() == 130
    _gone, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert not (run / "up" / "state.json").exists()

    with Command(run, "up") as again:
        again.until_it_says("Ctrl-C ends everything.")
        assert State.under(run).services == addresses
        assert _reads(run, patient_id)["last_name"] == "Canary"


def test_sigterm_ends_it_as_ctrl_c_does(run: Path):
    with Command(run, "up") as up:
        up.until_it_says("Ctrl-C ends everything.")
        children = up.children()
        up.terminate()
        assert up.ends() == 143
        assert "Traceback" not in up.output
    _gone, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    kept = {path.name for path in (run / "up").iterdir()}
    assert kept - {"postgres"} == {"clock", "keys.json", "logs"}


@pytest.mark.parametrize("words", ["starting PostgreSQL and Kafka", "starting billing"])
def test_a_start_that_is_broken_off_leaves_nothing(run: Path, words: str):
    with Command(run, "demo") as demo:
        demo.until_it_says(words)
        children = demo.children()
        demo.interrupt()
        assert demo.ends() == 130
        assert "Traceback" not in demo.output
    _gone, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    server = EmbeddedPostgres(run / "demo" / "postgres")  # which finds or makes its folder
    assert not (server.folder / "data").exists()
    server.destroy()


def test_what_it_started_ends_even_when_it_is_killed(run: Path):
    with Command(run, "up") as up:
        up.until_it_says("starting notifications")
        children = up.children()
        up.kill()
        _gone, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
