"""Timers are decided once, however late and however many wait."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FixedClock
from shared.messaging import UnitOfWork, duework
from tests.messaging.conftest import tally
from tests.messaging.duework.texts_and_cards import (
    HOUR,
    Remind,
    Start,
    nothing_is_left,
    state,
    told,
)
from tests.messaging.records import START
from tests.support.eventually import eventually


async def test_timers_that_a_leap_of_the_clock_makes_late_are_all_decided_once(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, clock: FixedClock
) -> None:
    async with unit.transaction() as tx:
        for number in range(500):
            tx.do(Remind(who=str(number)), due=START + timedelta(minutes=500 - number))
    workers = start(timers_at_once=50)
    await asyncio.sleep(0.1)
    await told(engine)
    assert await workers.next_due_at() == START + timedelta(minutes=1)
    assert await workers.unfinished() == 0
    clock.step(timedelta(days=3))
    await eventually(lambda: nothing_is_left(engine))
    decided = [who for who, _ in await tally(engine)]
    assert decided == [str(number) for number in reversed(range(500))]
    assert workers.tally.lateness_s > 2 * 24 * 3600


async def test_a_timer_that_always_fails_costs_no_neighbour_its_time(
    start: Start, unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async with unit.transaction() as tx:
        for who in ("Ana", "broken", "Ben"):
            tx.do(Remind(who=who))
    start(bug_attempts=3)

    async def settled() -> None:
        assert await state(engine) == [("parked", "bug:KeyError", 3)]

    await eventually(settled)
    assert sorted(who for who, _ in await tally(engine)) == ["Ana", "Ben"]


async def test_equal_work_that_falls_due_together_is_decided_once(
    start: Start, unit: UnitOfWork, engine: AsyncEngine
) -> None:
    """Nobody waits for another's row to leave a note to look, and the look is one."""
    async with unit.transaction() as tx, unit.transaction() as beside:
        for who in ("Ana", "Ben", "Ana"):
            tx.do(Remind(who=who))
        beside.do(Remind(who="Ana"))
    start()
    await eventually(lambda: nothing_is_left(engine))
    assert sorted(who for who, _ in await tally(engine)) == ["Ana", "Ben"]


async def examined(engine: AsyncEngine, statement: Any, **values: Any) -> int:
    """How many rows of due work a statement reads, seen or thrown away."""
    explain = text("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.text).bindparams(
        *(bind for bind in statement._bindparams.values() if bind.type is not None)
    )
    async with engine.connect() as connection:
        [found] = (await connection.execute(explain, values)).scalar_one()

    def rows(node: dict[str, Any]) -> int:
        own = 0
        if node.get("Relation Name") == "due_work" and "Scan" in node["Node Type"]:
            removed = node.get("Rows Removed by Filter", 0)
            removed += node.get("Rows Removed by Index Recheck", 0)
            own = round((node["Actual Rows"] + removed) * node["Actual Loops"])
        return own + sum(rows(child) for child in node.get("Plans", ()))

    return rows(found["Plan"])


async def test_a_hundred_thousand_waiting_items_cost_no_more_to_poll_than_a_hundred(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    lease: dict[str, Any] = {
        "kinds": ["Text"],
        "shares": [0],
        "rooms": [16],
        "now": START,
        "lease": timedelta(seconds=45),
    }
    timers: dict[str, Any] = {"kinds": ["Remind"], "shares": [0], "rooms": [200], "now": START}
    every = ["Remind", "Text", "Charge"]
    cost: list[list[int]] = []
    for backlog in (100, 99_900):
        await _wait_in_line(
            engine, "Charge", backlog // 2, first=START - HOUR
        )  # its vendor is down
        await _wait_in_line(engine, "Text", backlog // 4, first=START + HOUR)
        await _wait_in_line(engine, "Remind", backlog // 4, first=START + HOUR)
        cost.append(
            [
                await examined(engine, duework._LEASE, **lease),
                await examined(engine, duework._DECIDE, **timers),
                await examined(engine, duework._NEXT_DUE, kinds=every),
                await examined(engine, duework._UNFINISHED, kinds=["Text", "Remind"], now=START),
            ]
        )
    few, many = cost
    assert all(now <= before for now, before in zip(many, few, strict=True))
    assert max(many) <= len(every)
    await _wait_in_line(engine, "Text", 16, first=START - HOUR)
    assert await examined(engine, duework._LEASE, **lease) <= 3 * 16


async def _wait_in_line(engine: AsyncEngine, kind: str, count: int, *, first: datetime) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO due_work (work_id, kind, payload, due_at, correlation_id)"
                " SELECT gen_random_uuid(), :kind, '{}', CAST(:first AS timestamptz)"
                " + n * interval '1 ms', gen_random_uuid() FROM generate_series(1, :count) AS n"
            ),
            {"kind": kind, "first": first, "count": count},
        )
        await connection.execute(text("ANALYZE due_work"))
