"""A vendor that is away over a long weekend costs no piece of work; one that refuses parks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.errors import Poison, Retry
from shared.messaging import Fact, Handlers, Transaction, UnitOfWork, Work
from shared.messaging.breaker import Breaker
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally
from tests.support import leases
from tests.support.eventually import eventually

LONG_WEEKEND = timedelta(days=3)
QUARTER_HOUR = timedelta(minutes=15)


class Send(Work):
    to: str


class Sent(Fact):
    to: str


class Sms(Protocol):
    async def send(self, to: str) -> None: ...


on = Handlers("notifications")


@on.work(Send, calls=Sms)
async def send(work: Send, sms: Sms) -> Sent:
    await sms.send(work.to)
    return Sent(to=work.to)


@on.outcome(Sent)
async def record(sent: Sent, tx: Transaction) -> None:
    await tx.execute(text("INSERT INTO tally (who, what) VALUES (:who, 'sent')"), {"who": sent.to})


class Vendor:
    """Answers as a test says, or hangs until it does."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self.answer = answer
        self.hangs = False
        self.calls = 0

    async def send(self, _: str) -> None:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        self.answer()


def is_away() -> None:
    raise Retry("sms_unreachable")


def does_not_answer() -> None:
    raise TimeoutError


def refuses() -> None:
    raise Poison("sms_21211")


def takes_it() -> None:
    pass


@asynccontextmanager
async def at_work(
    database: Database, clock: FixedClock, vendor: Vendor, limits: WorkLimits
) -> AsyncIterator[None]:
    """A worker with one text to send; its breaker does not rest, for its rest costs no try."""
    engine = create_engine(database.url)
    unit = UnitOfWork(engine, clock, on)
    async with unit.transaction() as tx:
        tx.do(Send(to="Ana"))
    workers = Workers(on, unit, {Sms: vendor}, limits=limits)
    workers.tally.breakers["Sms"] = Breaker(rest_s=0.0)
    task = asyncio.create_task(workers.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.dispose()


_STEP = text(
    """
    WITH was AS (SELECT work_id, rests_until FROM due_work WHERE state = 'resting')
    UPDATE due_work AS d SET rests_until = clock_timestamp() FROM was
     WHERE d.work_id = was.work_id AND was.rests_until > clock_timestamp()
    RETURNING was.rests_until - clock_timestamp()
    """
)


async def step(engine: AsyncEngine) -> timedelta | None:
    """Have the clock leap over a rest: how long it was. `None` while nothing rests."""
    async with engine.begin() as connection:
        rest: timedelta | None = (await connection.execute(_STEP)).scalar()
        return rest


async def next_rest(engine: AsyncEngine) -> timedelta | None:
    """The same of the next rest. `None` when the work is parked."""
    rested: list[timedelta] = []

    async def rests_or_is_parked() -> bool:
        if rest := await step(engine):
            rested.append(rest)
        parked = "SELECT count(*) FROM due_work WHERE state = 'parked'"
        return bool(rested) or bool(await scalar(engine, parked))

    await eventually(rests_or_is_parked, every_s=0.005)
    return rested[0] if rested else None


@pytest.mark.parametrize("how", [is_away, does_not_answer])
async def test_a_vendor_that_is_away_for_three_days_costs_no_piece_of_work(
    database: Database, engine: AsyncEngine, clock: FixedClock, how: Callable[[], None]
) -> None:
    vendor, away = Vendor(how), timedelta()
    async with at_work(database, clock, vendor, WorkLimits(poll_s=0.005, backoff_s=0.5)):
        while away < LONG_WEEKEND:
            rest = await next_rest(engine)
            assert rest is not None, f"parked after {away} and {vendor.calls} tries"
            assert rest <= QUARTER_HOUR, "when it is back nobody waits longer"
            away += rest
        vendor.answer = takes_it

        async def sent() -> None:
            await step(engine)
            assert await tally(engine) == [("Ana", "sent")]

        await eventually(sent)
    assert await scalar(engine, "SELECT count(*) FROM due_work") == 0


async def test_a_vendor_that_stays_away_is_left_to_a_person_in_the_end(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    vendor, away = Vendor(is_away), timedelta()
    async with at_work(database, clock, vendor, WorkLimits(poll_s=0.005)):
        while (rest := await next_rest(engine)) is not None:
            away += rest
    assert LONG_WEEKEND < away < timedelta(days=7)
    assert await scalar(engine, "SELECT error_code FROM due_work") == "sms_unreachable"


async def test_a_refusal_is_left_to_a_person_at_once(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    vendor = Vendor(refuses)
    async with at_work(database, clock, vendor, WorkLimits(poll_s=0.005)):
        assert await next_rest(engine) is None
    assert vendor.calls == 1


async def test_work_that_ends_whoever_does_it_is_not_begun_as_often_as_one_that_only_fails(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    vendor = Vendor(is_away)
    limits = WorkLimits(poll_s=0.005, lost_leases=3)
    async with at_work(database, clock, vendor, limits):
        for _ in range(5):  # these are answered: no lease is lost by them
            assert await next_rest(engine) is not None
        vendor.hangs = True
        for lost in range(3):
            calls = 6 + lost
            await eventually(lambda calls=calls: vendor.calls == calls)
            assert await leases.run_out(engine)

        async def parked() -> None:
            query = "SELECT (state, error_code, leases_lost)::text FROM due_work"
            assert await scalar(engine, query) == "(parked,leases_ran_out,3)"

        await eventually(parked)
    assert vendor.calls == 8
