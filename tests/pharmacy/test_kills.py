"""Killed around each outside call: one session, one order, each fact said once, nothing missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deploy.local.ground import Kafka
from deploy.local.postgres import Postgres
from tests.pharmacy.conftest import practice_in
from tests.pharmacy.practice import Case, Practice
from tests.support import leases
from tests.support.eventually import eventually
from tests.support.service_process import ServiceProcess

REDEEM = "shared.claims:SchedulingClaims.series"
OPEN = "services.pharmacy.gateways.signing:HttpSigning.open"
ASK = "services.pharmacy.gateways.signing:HttpSigning.find"
PLACE = "services.pharmacy.gateways.partner:HttpPartnerPharmacy.place"
CANCEL = "services.pharmacy.gateways.partner:HttpPartnerPharmacy.cancel"

STEPS = [
    f"{side} {call}"
    for call in (REDEEM, OPEN, ASK, PLACE, CANCEL)
    for side in ("before", "after", "written")
    if side != "before" or call in {OPEN, PLACE, CANCEL}  # a read not made is a read not stored
]


@pytest.fixture(scope="module")
async def practice_at_rest(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, kafka: Kafka
) -> AsyncIterator[Practice]:
    async with practice_in(tmp_path_factory.mktemp("killed"), postgres, kafka) as practice:
        practice.prepare(practice.process())
        yield practice


@pytest.mark.parametrize("step", STEPS)
async def test_a_pharmacy_killed_around_a_call_has_one_session_and_one_order(
    practice_at_rest: Practice, step: str
):
    practice = practice_at_rest
    [process] = practice.processes
    process.start_armed(step)
    await process.until_ready()
    case, deaths = Case(), 0

    async def until(holds: Callable[[], Awaitable[bool]]) -> None:
        nonlocal deaths

        async def holds_or_ended() -> bool:
            return process.died_by_kill or await holds()

        await eventually(holds_or_ended, within_s=40)
        if process.died_by_kill:
            deaths += 1
            await _start_again(practice, process)
            await eventually(holds, within_s=40)

    practice.knows(case)
    await practice.complete(case)
    await until(lambda: _is(practice, case, "awaiting_signature"))
    await practice.sign(case)
    await until(lambda: _is(practice, case, "sent"))
    twin = await practice.send_a_twin(case)
    await until(lambda: _is_cancelled(practice, case, twin))
    await until(lambda: _is_idle(practice))

    assert deaths == 1, "this test is about a process that is killed"
    assert len(await practice.sessions(case)) == 1
    assert [order["order_id"] for order in practice.live_orders(case)] == [
        (await practice.prescription(case)).order_id
    ]
    assert len(practice.orders(case)) == 2, "the order, and the twin that the test has sent"
    assert await practice.said(case) == [
        "PrescriptionDrafted",
        "PrescriptionSigned",
        "PrescriptionSent",
    ]
    assert not await practice.rows("SELECT 1 FROM due_work WHERE state = 'parked'")
    process.stop()


async def _start_again(practice: Practice, process: ServiceProcess) -> None:
    """What was under way at the kill is taken up at once."""
    await leases.run_out(practice.engine)
    process.start()
    await process.until_ready()


async def _is(practice: Practice, case: Case, state: str) -> bool:
    rows = await practice.rows(
        "SELECT state FROM prescriptions WHERE series_id = :id", id=case.series_id
    )
    if not rows or rows[0].state != state:
        return False
    await practice.prescription(case)
    return True


async def _is_cancelled(practice: Practice, case: Case, order_id: str) -> bool:
    status = {order["order_id"]: order["status"] for order in practice.orders(case)}
    return status[order_id] == "cancelled"


async def _is_idle(practice: Practice) -> bool:
    try:
        await practice.until_idle(within_s=1)
    except AssertionError:
        return False
    return True
