"""A call is made by one worker at a time and its outcome is stored, however slow what is around."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.errors import Retry
from shared.messaging import Fact, Handlers, Transaction, UnitOfWork, Work
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import START
from tests.support.eventually import eventually

LEASE_S = 1.2
CALL_S = 0.9


class Text(Work):
    to: str


class Remind(Work):
    visit: str


class Texted(Fact):
    to: str


class Sms(Protocol):
    async def send(self, to: str) -> None: ...


class Vendor:
    """Takes its time for each text; counts them and how many it held at once."""

    def __init__(self) -> None:
        self.calls = self.at_once = self.most_at_once = 0

    async def send(self, _: str) -> None:
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(CALL_S)
        finally:
            self.at_once -= 1


class Practice:
    """Handlers whose reads take as long as a test says, and a timer that a test holds open."""

    def __init__(self) -> None:
        self.on = Handlers("billing")
        self.loads_s: list[float] = []
        self.loaded = 0
        self.always_loads_s = 0.0
        self.decides, self.decided = asyncio.Event(), asyncio.Event()
        self.reminded = 0
        on = self.on

        async def still_wanted(tx: Transaction, work: Text) -> Text:
            self.loaded += 1
            takes_s = self.loads_s.pop(0) if self.loads_s else self.always_loads_s
            await tx.execute(text("SELECT pg_sleep(:s)"), {"s": takes_s})
            await note(tx, work.to, "tried")
            return work

        @on.work(Text, calls=Sms, loads=still_wanted, time_limit_s=1.1)
        async def send_text(work: Text, sms: Sms) -> Texted:
            await sms.send(work.to)
            return Texted(to=work.to)

        @on.outcome(Texted)
        async def record_text(texted: Texted, tx: Transaction) -> None:
            await note(tx, texted.to, "texted")

        @on.due(Remind)
        async def remind(work: Remind, tx: Transaction) -> None:
            if work.visit == "moved":
                await note(tx, work.visit, "reminded")
                return
            self.reminded += 1
            if self.reminded > 1:  # the first try is in a batch, later ones are alone
                self.decides.set()
                await self.decided.wait()
            raise Retry("scheduling_away")


async def note(tx: Transaction, who: str, what: str) -> None:
    await tx.execute(
        text("INSERT INTO tally (who, what) VALUES (:who, :what)"), {"who": who, "what": what}
    )


@pytest.fixture
def practice() -> Practice:
    return Practice()


@pytest.fixture
def sms() -> Vendor:
    return Vendor()


@pytest.fixture
async def unit(
    database: Database, engine: AsyncEngine, clock: FixedClock, practice: Practice
) -> AsyncIterator[UnitOfWork]:
    mine = create_engine(database.url)
    yield UnitOfWork(mine, clock, practice.on)
    await mine.dispose()


Start = Callable[..., None]


@pytest.fixture
async def start(unit: UnitOfWork, practice: Practice, sms: Vendor) -> AsyncIterator[Start]:
    tasks: list[asyncio.Task[None]] = []

    def workers(**limits: Any) -> None:
        quick: dict[str, Any] = {"poll_s": 0.02, "backoff_s": 0.05, "lease_s": LEASE_S} | limits
        started = Workers(practice.on, unit, {Sms: sms}, limits=WorkLimits(**quick))
        tasks.append(asyncio.create_task(started.run()))

    yield workers
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def plan(unit: UnitOfWork, work: Work, **how: Any) -> None:
    async with unit.transaction() as tx:
        tx.do(work, **how)


async def nothing_is_left(engine: AsyncEngine) -> None:
    assert await scalar(engine, "SELECT count(*) FROM due_work") == 0


async def test_a_read_that_takes_most_of_the_lease_leaves_the_call_all_of_it(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, practice: Practice, sms: Vendor
) -> None:
    practice.always_loads_s = 0.8
    await plan(unit, Text(to="Ana"))
    start()
    await eventually(lambda: nothing_is_left(engine))
    assert (sms.calls, sms.most_at_once) == (1, 1)
    assert await tally(engine) == [("Ana", "tried"), ("Ana", "texted")]


async def test_a_read_that_outlasts_the_lease_makes_no_call_and_leaves_nothing(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, practice: Practice, sms: Vendor
) -> None:
    practice.loads_s = [LEASE_S + 0.6]
    await plan(unit, Text(to="Ana"))
    start()
    start()  # takes the work when the lease has run out
    await eventually(lambda: nothing_is_left(engine))
    assert (practice.loaded, sms.calls) == (2, 1)
    assert await tally(engine) == [("Ana", "tried"), ("Ana", "texted")]


async def test_work_whose_every_lease_runs_out_is_parked(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, practice: Practice, sms: Vendor
) -> None:
    practice.always_loads_s = LEASE_S + 0.3
    await plan(unit, Text(to="Ana"))
    start(lost_leases=2)

    async def parked() -> None:
        query = "SELECT (state, error_code, attempts)::text FROM due_work"
        assert await scalar(engine, query) == "(parked,leases_ran_out,3)"

    await eventually(parked)
    assert sms.calls == 0
    assert await tally(engine) == []


async def test_a_reminder_that_is_moved_while_the_old_one_fails_waits_for_its_new_time(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, practice: Practice
) -> None:
    await plan(unit, Remind(visit="as booked"), key="visit-1")
    start()
    await practice.decides.wait()
    moving = asyncio.create_task(
        plan(unit, Remind(visit="moved"), due=START + timedelta(hours=48), key="visit-1")
    )

    async def moving_waits_for_the_timer() -> None:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        assert await scalar(engine, query) == 1

    await eventually(moving_waits_for_the_timer)
    practice.decided.set()
    await moving
    await asyncio.sleep(0.5)  # ten times the rest of what failed
    assert await scalar(engine, "SELECT (state, attempts)::text FROM due_work") == "(waiting,0)"
    assert await tally(engine) == []


async def test_a_deadlock_while_an_outcome_is_stored_does_not_repeat_the_call(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SEQUENCE tries"))
        await connection.execute(
            text(
                "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF new.what = 'texted' AND nextval('tries') < 5 THEN"
                " RAISE SQLSTATE '40P01'; END IF; RETURN new; END $$"
            )
        )
        await connection.execute(
            text("CREATE TRIGGER lose BEFORE INSERT ON tally FOR EACH ROW EXECUTE FUNCTION lose()")
        )
    await plan(unit, Text(to="Ana"))
    start(lease_s=30.0)
    await eventually(lambda: nothing_is_left(engine))
    assert sms.calls == 1
    assert await tally(engine) == [("Ana", "tried"), ("Ana", "texted")]
