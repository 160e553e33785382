"""What comes round is done once each time, by one replica, and goes on when one time fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.messaging import Handlers, Transaction, UnitOfWork, Work
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import START
from tests.support.eventually import eventually

HOUR = timedelta(hours=1)
BROKEN_AT = START + HOUR


class LookAround(Work):
    pass


def next_hour(moment: datetime) -> datetime:
    return moment + HOUR


on = Handlers("billing")


@on.round(LookAround, after=next_hour)
async def look_around(_: LookAround, tx: Transaction) -> None:
    if tx.now == BROKEN_AT:
        raise KeyError("Testa Canary")
    await tx.execute(
        text("INSERT INTO tally (who, what) VALUES ('looked', :at)"), {"at": tx.now.isoformat()}
    )


Start = Callable[[], Workers]


@pytest.fixture
async def start(database: Database, engine: AsyncEngine, clock: FixedClock) -> AsyncIterator[Start]:
    mine = create_engine(database.url)
    unit = UnitOfWork(mine, clock, on)
    tasks: list[asyncio.Task[None]] = []

    def workers() -> Workers:
        limits = WorkLimits(poll_s=0.02, backoff_s=0.02, bug_attempts=2)
        started = Workers(on, unit, {}, limits=limits)
        tasks.append(asyncio.create_task(started.run()))
        return started

    yield workers
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await mine.dispose()


async def looked_at(engine: AsyncEngine, *moments: datetime) -> None:
    assert await tally(engine) == [("looked", moment.isoformat()) for moment in moments]


async def waits_until(engine: AsyncEngine, moment: datetime) -> None:
    found = await scalar(engine, "SELECT due_at FROM due_work WHERE state = 'waiting'")
    assert found == moment


async def test_hours_that_nobody_ran_through_are_one_round(
    start: Start, engine: AsyncEngine, clock: FixedClock
) -> None:
    start()
    await eventually(lambda: waits_until(engine, START + HOUR))
    await looked_at(engine)
    clock.step_to(START + 7 * HOUR)
    await eventually(lambda: waits_until(engine, START + 8 * HOUR))
    await looked_at(engine, START + 7 * HOUR)


async def test_replicas_that_start_at_any_time_share_one_round(
    start: Start, engine: AsyncEngine, clock: FixedClock
) -> None:
    for _ in range(3):
        start()
    await eventually(lambda: waits_until(engine, START + HOUR))
    clock.step_to(START + 2 * HOUR)
    await eventually(lambda: waits_until(engine, START + 3 * HOUR))
    start()
    await asyncio.sleep(0.2)
    await looked_at(engine, START + 2 * HOUR)
    await waits_until(engine, START + 3 * HOUR)
    assert await scalar(engine, "SELECT count(*) FROM due_work") == 1


async def test_a_round_that_is_given_up_waits_for_a_person_and_the_next_one_comes(
    start: Start, engine: AsyncEngine, clock: FixedClock
) -> None:
    start()
    await eventually(lambda: waits_until(engine, START + HOUR))
    clock.step_to(BROKEN_AT)
    await eventually(lambda: waits_until(engine, BROKEN_AT + HOUR))
    parked = "SELECT error_code FROM due_work WHERE state = 'parked'"
    assert await scalar(engine, parked) == "bug:KeyError"
    clock.step_to(BROKEN_AT + HOUR)
    await eventually(lambda: looked_at(engine, BROKEN_AT + HOUR))


async def test_a_clock_that_leaps_does_not_stop_for_a_round(
    start: Start, engine: AsyncEngine, clock: FixedClock
) -> None:
    workers = start()
    await eventually(lambda: waits_until(engine, START + HOUR))
    assert await workers.next_due_at() is None
    assert await workers.unfinished() == 0
    clock.step_to(START + 2 * HOUR)
    await eventually(lambda: waits_until(engine, START + 3 * HOUR))


def test_two_rounds_of_one_kind_are_refused() -> None:
    handlers: Any = Handlers("billing")
    handlers.round(LookAround, after=next_hour)(look_around)
    with pytest.raises(LookupError, match="LookAround has a handler already"):
        handlers.round(LookAround, after=next_hour)(look_around)


def test_parts_of_a_service_make_one_and_nothing_is_done_twice() -> None:
    whole: Any = Handlers("billing")
    whole.include(on)
    assert (set(whole.timers), set(whole.rounds)) == ({"LookAround"}, {"LookAround"})
    with pytest.raises(LookupError, match="LookAround has a handler already"):
        whole.include(on)
    with pytest.raises(LookupError, match="cannot include a part of billing"):
        Handlers("pharmacy").include(on)
