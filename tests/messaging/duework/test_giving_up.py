"""What fails comes again, later and later, until it is parked for a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import Poison, Retry
from shared.messaging import Handlers, Transaction, UnitOfWork, Work, parked_work
from shared.messaging.parked_work import Replay
from tests.messaging.conftest import tally
from tests.messaging.duework.texts_and_cards import (
    Charge,
    Remind,
    Start,
    Text,
    Vendor,
    note,
    nothing_is_left,
    on,
    plan,
    state,
    state_seen_by,
    told,
)
from tests.support.eventually import eventually
from tests.support.parked import parked_items


async def test_what_fails_for_the_moment_comes_again_later_and_later(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor
) -> None:
    sms.fails_with = [Retry("busy") for _ in range(4)]
    rests: dict[int, float] = {}

    async def done() -> bool:
        async with engine.connect() as connection:
            query = "SELECT attempts, rests_until FROM due_work WHERE state = 'resting'"
            for attempts, until in await connection.execute(text(query)):
                rests.setdefault(attempts, until.timestamp())
        return bool(await tally(engine))

    await plan(unit, Text(to="Ana"))
    start(backoff_s=0.1, backoff_cap_s=0.4)
    await eventually(done, every_s=0.01)
    assert sms.calls["Ana"] == 5
    gaps = [rests[number + 1] - rests[number] for number in (1, 2, 3)]
    assert 0.2 <= gaps[0] < gaps[1]
    assert gaps[1] >= 0.4
    assert 0.4 <= gaps[2] < 0.8  # the cap


@pytest.mark.parametrize(
    ("error", "calls", "reason"),
    [
        (Poison("no_such_number"), 1, "no_such_number"),
        (Retry("busy"), 4, "busy"),
        (KeyError("Testa Canary"), 2, "bug:KeyError"),
        (ConnectionError("unmapped"), 2, "bug:ConnectionError"),
    ],
    ids=["never", "not now", "a bug", "an error that no gateway mapped"],
)
async def test_work_given_up_is_parked_for_a_person_who_has_it_done_or_discards_it(
    start: Start,
    unit: UnitOfWork,
    engine: AsyncEngine,
    sms: Vendor,
    error: Exception,
    calls: int,
    reason: str,
) -> None:
    sms.fails_with = [error] * calls
    await plan(unit, Text(to="Ana"))
    start(attempts=4, bug_attempts=2)

    async def parked() -> None:
        assert await state(engine) == [("parked", reason, calls)]

    await eventually(parked)
    async with unit.transaction() as tx:
        [found] = await parked_items(tx)
        assert (found.type_name, found.reason, found.attempts) == ("Text", reason, calls)
        assert await parked_work.replay(tx, found.parked_id) is Replay.AGAIN
    await eventually(lambda: told(engine, ("Ana", f"answer {calls + 1}")))
    async with unit.transaction() as tx:
        assert not await parked_work.discard(tx, on, found.parked_id)


@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
@pytest.mark.parametrize(
    ("work", "sql_fails_in"),
    [(Charge(who="Ana"), "loads"), (Text(to="Ana"), "outcome"), (Remind(who="Ana"), "decider")],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_work_whose_rows_are_locked_for_a_while_is_done_afterwards(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, work: Work, sql_fails_in: str, limit: str
) -> None:
    @event.listens_for(unit.engine.sync_engine, "connect")
    def impatient(connection: Any, _: Any) -> None:
        connection.run_async(lambda raw: raw.execute(f"SET {limit} = '100ms'"))

    async with engine.connect() as other:
        await other.execute(text("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE"))
        await plan(unit, work)
        start(bug_attempts=2)

        async def tried_for_a_while() -> None:
            [(now, code, attempts)] = await state_seen_by(other)
            assert code == "database_busy"
            assert now in {"resting", "running"}
            assert attempts > 3

        await eventually(tried_for_a_while)
    await eventually(lambda: nothing_is_left(engine))
    assert [who for who, _ in await tally(engine)] == ["Ana"]


async def test_parked_work_that_is_discarded_is_gone_and_frees_what_waited_for_it(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor, cards: Vendor
) -> None:
    sms.fails_with = [Poison("no_such_number")]
    cards.fails_with = [Poison("stripe_refuses")]
    await plan(unit, Text(to="Ana"))
    start()
    await eventually(lambda: _is_parked(engine))
    await discard_all(unit)
    await nothing_is_left(engine)
    await told(engine)  # nobody decides anything when a text is discarded
    await plan(unit, Charge(who="Ben"))
    await eventually(lambda: _is_parked(engine))
    await discard_all(unit)
    await nothing_is_left(engine)
    await told(engine, ("Ben", "may be charged again"))


async def test_what_a_discarded_charge_frees_and_its_discarding_commit_together(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, cards: Vendor
) -> None:
    cards.fails_with = [Poison("stripe_refuses")]
    await plan(unit, Charge(who="broken"))
    start()
    await eventually(lambda: _is_parked(engine))
    with pytest.raises(KeyError):
        await discard_all(unit)
    assert await _is_parked(engine)
    await told(engine)


async def discard_all(unit: UnitOfWork) -> None:
    async with unit.transaction() as tx:
        for found in await parked_items(tx):
            assert await parked_work.discard(tx, on, found.parked_id)


def test_a_service_that_frees_work_which_nothing_does_refuses_to_start() -> None:
    odd = Handlers("billing")

    @odd.discarded(Charge)
    async def free(work: Charge, tx: Transaction) -> None:
        await note(tx, work.who, "freed")

    with pytest.raises(LookupError, match="Charge can be discarded, but nothing does it"):
        odd.check_complete()


async def _is_parked(engine: AsyncEngine) -> bool:
    return [found[0] for found in await state(engine)] == ["parked"]
