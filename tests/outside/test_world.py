"""The world as a process: where it starts, where it refuses to, and what it shows of itself."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import end_process, free_port, start_process
from tests.outside.orders import displayed, order
from tests.support.outside_world import (
    ENVIRONMENT,
    PHARMACY_KEY,
    SIGNING_KEY,
    OutsideWorld,
)


def _start_and_wait(log: Path, env: dict[str, str], *arguments: str) -> tuple[int, str]:
    import sys

    ports = ["--http-port", str(free_port()), "--smtp-port", str(free_port())]
    command = [sys.executable, "-m", "deploy.local.outside", *ports, *arguments]
    process = start_process(command, log=log, env=env)
    try:
        process.wait(15)
    finally:
        end_process(process)
    return process.returncode, log.read_text()


def test_in_production_it_refuses_to_start_with_one_line(log_folder: Path):
    code, said = _start_and_wait(log_folder / "log", ENVIRONMENT | {"PRACTICE_ENV": "production"})
    assert code == 78
    assert said.count("\n") == 1
    assert "PRACTICE_ENV=production" in said


def test_a_missing_secret_is_named_and_no_other_is_shown(log_folder: Path):
    env = {name: value for name, value in ENVIRONMENT.items() if name != "OUTSIDE_PHARMACY_KEY"}
    code, said = _start_and_wait(log_folder / "log", env)
    assert (code, said) == (78, "OUTSIDE_PHARMACY_KEY is not set\n")


@pytest.mark.parametrize(
    "argument",
    ["--stripe-webhook-url=https://example.org/hook", "--host=0.0.0.0"],
)
def test_it_neither_listens_nor_talks_beyond_this_machine(log_folder: Path, argument: str):
    code, said = _start_and_wait(log_folder / "log", ENVIRONMENT, argument)
    assert code == 78
    assert "this machine" in said
    assert "example.org" not in said


async def test_a_caller_that_names_another_host_is_turned_away(
    http: httpx.AsyncClient, world: OutsideWorld
):
    answer = await http.get(f"{world.url}/control/state", headers={"host": "evil.example"})
    assert answer.status_code == 400


async def test_targets_beyond_this_machine_are_refused(
    http: httpx.AsyncClient, world: OutsideWorld
):
    answer = await http.patch(
        f"{world.url}/control/targets", json={"stripe": "http://example.org/hook"}
    )
    assert answer.status_code == 422


async def test_the_page_shows_what_it_holds_and_fetches_nothing(
    http: httpx.AsyncClient, world: OutsideWorld
):
    await http.post(
        f"{world.pharmacy_url}/v1/orders",
        json=order(drug="Ketamine <script>alert(1)</script>"),
        headers={"x-api-key": PHARMACY_KEY},
    )
    await http.post(
        f"{world.signing_url}/v1/sessions",
        json={"reference": "rx-1", "prescription": displayed()},
        headers={"x-api-key": SIGNING_KEY},
    )
    world.patient_texts("+12025550101", "+12025550100", "C")

    page = (await http.get(world.url)).text

    assert '<html lang="en">' in page
    assert "<script" not in page
    assert "Ketamine &lt;script&gt;" in page
    assert "+12025550101" in page
    assert not re.search(r"""(?:src|href)=["'](?!/|#)""", page)
    assert page.count("<section") == 11
    for heading in ("Charges at Stripe", "Orders at the pharmacy", "Signatures", "Texts", "Mails"):
        assert heading in page


async def test_a_reset_forgets_effects_and_faults_and_what_was_to_come(
    http: httpx.AsyncClient, world: OutsideWorld
):
    await http.post(
        f"{world.pharmacy_url}/v1/orders", json=order(), headers={"x-api-key": PHARMACY_KEY}
    )
    world.fault("pharmacy", "drop")
    assert world.rest()["next_due_at"] is not None

    world.reset()

    state = world.state()
    assert state["pharmacy"]["orders"] == []
    assert state["webhooks"] == []
    assert state["faults"] == []
    assert world.rest() == {"at_rest": True, "next_due_at": None}
