"""A vendor that does not accept our key is no outage: it costs no try, and staff are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.errors import KeyRefused
from shared.messaging import UnitOfWork
from shared.messaging.breaker import Breaker
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally
from tests.messaging.duework.test_vendor_away import Send, Sms, Vendor, is_away, on, takes_it
from tests.support.eventually import eventually


def refuses_our_key() -> None:
    raise KeyRefused("sms_refuses_key", vendor="The vendor of texts", setting="SMS_TOKEN")


@asynccontextmanager
async def at_work(
    database: Database, clock: FixedClock, vendor: Vendor, breaker: Breaker
) -> AsyncIterator[Workers]:
    """A worker that tries a thing twice at the most, one at a time."""
    engine = create_engine(database.url)
    limits = WorkLimits(poll_s=0.005, attempts=2, at_once=1)
    workers = Workers(on, UnitOfWork(engine, clock, on), {Sms: vendor}, limits=limits)
    workers.tally.breakers["Sms"] = breaker
    task = asyncio.create_task(workers.run())
    try:
        yield workers
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.dispose()


async def three_texts(database: Database, clock: FixedClock) -> None:
    engine = create_engine(database.url)
    async with UnitOfWork(engine, clock, on).transaction() as tx:
        for to in ("Ana", "Bo", "Cy"):
            tx.do(Send(to=to))
    await engine.dispose()


async def test_one_refused_key_holds_all_that_needs_it_and_says_so(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    await three_texts(database, clock)
    vendor = Vendor(refuses_our_key)
    async with at_work(database, clock, vendor, Breaker()) as workers:
        await eventually(lambda: bool(workers.held()))
        held = workers.held()["Sms"]
        assert (held.refused.setting, held.since) == ("SMS_TOKEN", clock.now())

        async def rests() -> bool:
            return bool(await scalar(engine, "SELECT count(*) FROM due_work WHERE attempts = 0"))

        await eventually(rests)
        assert await workers.waiting_for("Sms") == 3
    assert vendor.calls == 1

    vendor.answer = takes_it  # somebody put the right key there, and restarted
    async with at_work(database, clock, vendor, Breaker()) as workers:

        async def sent() -> None:
            found = await tally(engine)
            assert sorted(found) == [("Ana", "sent"), ("Bo", "sent"), ("Cy", "sent")]

        await eventually(sent)
        assert workers.held() == {}


async def test_a_key_that_is_accepted_again_costs_no_try_however_often_it_was_refused(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    await three_texts(database, clock)
    vendor = Vendor(refuses_our_key)
    async with at_work(database, clock, vendor, Breaker(held_rest_s=0.0)) as workers:
        await eventually(lambda: vendor.calls >= 20)
        vendor.answer = takes_it

        async def sent() -> None:
            assert len(await tally(engine)) == 3

        await eventually(sent)
        assert workers.tally.breakers["Sms"].closed
        assert workers.held() == {}


async def test_an_outage_meanwhile_does_not_let_it_go(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    await three_texts(database, clock)
    vendor, breaker = Vendor(refuses_our_key), Breaker(held_rest_s=0.0)
    async with at_work(database, clock, vendor, breaker) as workers:
        await eventually(lambda: bool(workers.held()))
        breaker.held_rest_s = 60.0
        breaker.failed()
        assert workers.held()
        assert breaker.room(1, 0) == 0
        vendor.answer = is_away
