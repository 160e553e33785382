"""Of the work of one key the newest stands, whatever the older is doing."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FixedClock
from shared.errors import Retry
from shared.messaging import UnitOfWork, duework
from shared.messaging.duework import Share
from tests.messaging.conftest import scalar, tally
from tests.messaging.duework.texts_and_cards import (
    HOUR,
    Charge,
    Remind,
    Start,
    Text,
    Vendor,
    note,
    nothing_is_left,
    plan,
    state,
    told,
)
from tests.messaging.records import START
from tests.support.eventually import eventually


async def test_work_that_is_put_off_while_newer_work_is_being_written_gives_way_to_it(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    await plan(unit, Text(to="older"), key="visit-1")
    async with engine.begin() as connection:
        [older] = await duework.lease(connection, [Share(["Text"], 1)], now=START, lease_s=30)

    async def put_off() -> None:
        async with unit.engine.begin() as connection:
            await duework.rest(connection, older, code="down", attempts=1, rest_s=60)

    async def waits_for_a_lock() -> bool:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN"
        mine = "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        return bool(await scalar(engine, f"{waits} {mine}") == 1)

    async with engine.begin() as writing:
        await writing.execute(
            text(
                "INSERT INTO due_work (work_id, kind, key, payload, due_at, correlation_id) SELECT"
                ' gen_random_uuid(), kind, key, \'{"to": "newer"}\', due_at, correlation_id'
                " FROM due_work"
            )
        )
        resting = asyncio.create_task(put_off())
        await eventually(waits_for_a_lock)
    await resting

    assert await scalar(engine, "SELECT payload->>'to' FROM due_work") == "newer"
    assert await state(engine) == [("waiting", None, 0)]


async def test_work_that_is_put_off_gives_way_to_newer_work_that_is_under_way_already(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    leases = []
    for to in ("older", "newer"):
        await plan(unit, Text(to=to), key="visit-1")
        async with engine.begin() as connection:
            leases += await duework.lease(connection, [Share(["Text"], 1)], now=START, lease_s=30)
    older, newer = leases

    async with engine.begin() as connection:
        await duework.rest(connection, older, code="down", attempts=1, rest_s=60)
    assert await state(engine) == [("running", None, 1)]

    async with engine.begin() as connection:
        await duework.rest(connection, newer, code="down", attempts=1, rest_s=60)
    assert await state(engine) == [("resting", "down", 1)]


async def test_newer_work_that_is_written_while_the_older_is_being_put_off_takes_its_place(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    await plan(unit, Text(to="older"), key="visit-1")
    async with engine.begin() as connection:
        [older] = await duework.lease(connection, [Share(["Text"], 1)], now=START, lease_s=30)

    async with engine.begin() as putting_off:
        await duework.rest(putting_off, older, code="down", attempts=1, rest_s=60)
        writing = asyncio.create_task(plan(unit, Text(to="newer"), key="visit-1"))
        await asyncio.wait({writing}, timeout=0.3)
        assert not writing.done()
    await writing

    assert await scalar(engine, "SELECT payload->>'to' FROM due_work") == "newer"
    assert await state(engine) == [("waiting", None, 0)]
    async with engine.begin() as connection:
        await duework.park(connection, older, code="down", attempts=2, now=START)
    assert await state(engine) == [("waiting", None, 0)]


async def test_work_is_rescheduled_and_cancelled_by_its_key(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, clock: FixedClock
) -> None:
    start()
    await plan(unit, Remind(who="old time"), due=START + HOUR, key="visit-1")
    await plan(unit, Remind(who="new time"), due=START + 2 * HOUR, key="visit-1")
    await plan(unit, Remind(who="cancelled"), due=START + HOUR, key="visit-2")
    async with unit.transaction() as tx:
        tx.cancel("visit-2")
        tx.cancel("never planned")
    clock.step(HOUR)
    await asyncio.sleep(0.2)
    await told(engine)
    clock.step(HOUR)
    await eventually(lambda: told(engine, ("new time", clock.now().isoformat())))
    await nothing_is_left(engine)


async def test_of_several_wishes_for_one_key_in_one_decision_the_last_stands(
    start: Start, unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async with unit.transaction() as tx:
        tx.do(Remind(who="first"), key="a")
        tx.cancel("a")
        tx.do(Remind(who="second"), key="a")
        tx.do(Remind(who="third"), key="b")
        tx.cancel("b")
    start()
    await eventually(lambda: told(engine, ("second", START.isoformat())))
    await nothing_is_left(engine)


async def test_a_call_that_runs_is_not_called_back_and_newer_work_of_its_key_follows(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor, clock: FixedClock
) -> None:
    sms.open.clear()
    await plan(unit, Text(to="running"), key="visit-1")
    start()
    await eventually(lambda: sms.calls["running"] == 1)
    async with unit.transaction() as tx:
        tx.cancel("visit-1")
    await plan(unit, Text(to="newer"), due=START + HOUR, key="visit-1")
    sms.open.set()
    await eventually(lambda: told(engine, ("running", "answer 1")))
    clock.step(HOUR)
    await eventually(lambda: told(engine, ("running", "answer 1"), ("newer", "answer 1")))
    await nothing_is_left(engine)


async def test_a_call_that_failed_gives_way_to_newer_work_of_its_key(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor, clock: FixedClock
) -> None:
    async def newer_waits_alone() -> bool:
        return bool(await state(engine) == [("waiting", None, 0)])

    sms.open.clear()
    sms.fails_with = [Retry("busy")]
    await plan(unit, Text(to="old"), key="visit-1")
    start()
    await eventually(lambda: sms.calls["old"] == 1)
    await plan(unit, Text(to="new"), due=START + HOUR, key="visit-1")
    sms.open.set()
    await eventually(newer_waits_alone)
    clock.step(HOUR)
    await eventually(lambda: nothing_is_left(engine))
    assert sms.calls["old"] == 1
    assert [who for who, _ in await tally(engine)] == ["new"]


async def test_a_call_tried_again_asks_first_whether_there_is_anything_left_to_do(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, cards: Vendor
) -> None:
    cards.fails_with = [Retry("busy")]
    cards.open.clear()
    await plan(unit, Charge(who="Ana"))
    start()
    await eventually(lambda: cards.calls["Ana"] == 1)
    async with unit.transaction() as tx:
        await note(tx, "Ana", "settled in cash")
    cards.open.set()
    await eventually(lambda: nothing_is_left(engine))
    assert cards.calls["Ana"] == 1
