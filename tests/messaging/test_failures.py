"""Trouble that passes is waited out; only what cannot pass is parked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FixedClock
from shared.db import create_engine, unreachable
from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, UnitOfWork, Work
from shared.messaging.seam import Limits, Seam
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import delivered, record_of, registered
from tests.support.eventually import eventually

BEFORE_EACH = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '200ms'"


def seam_with(
    engine: AsyncEngine, clock: FixedClock, before: list[str], *, retries: int = 40, bugs: int = 0
) -> Seam:
    """A seam whose decider runs `before`, one each time, and has little patience for locks."""
    on = Handlers("listener")

    @on.event(PatientRegistered)
    async def note(event: PatientRegistered, tx: Transaction) -> None:
        for statement in BEFORE_EACH.split("; "):
            await tx.execute(text(statement))
        if before:
            await tx.execute(text(before.pop(0)))
        await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": event.key})

    limits = Limits(retries=retries, bug_retries=bugs, backoff_s=0.01, backoff_cap_s=0.05)
    return Seam(on, UnitOfWork(engine, clock, on), limits=limits, sleep=shortly)


async def shortly(pause_s: float) -> None:
    await asyncio.sleep(min(pause_s, 0.05))


async def test_a_table_that_is_locked_for_a_while_parks_no_event(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    seam = seam_with(engine, clock, [])
    async with engine.connect() as other:
        await other.execute(text("LOCK TABLE tally IN SHARE MODE"))
        taking = asyncio.create_task(seam.take([delivered(record_of(registered()))]))
        await asyncio.sleep(1.0)
        assert not taking.done()
        await other.rollback()
    await taking
    assert len(await tally(engine)) == 1
    assert await scalar(engine, "SELECT count(*) FROM parked_events") == 0


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57014"])
async def test_what_postgres_says_of_a_busy_moment_parks_no_event(
    engine: AsyncEngine, clock: FixedClock, sqlstate: str
) -> None:
    busy = f"DO $$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE = '{sqlstate}'; END $$"
    seam = seam_with(engine, clock, [busy] * 5)
    await seam.take([delivered(record_of(registered()))])
    assert len(await tally(engine)) == 1
    assert await scalar(engine, "SELECT count(*) FROM parked_events") == 0


async def test_a_statement_that_always_takes_too_long_is_parked_in_the_end_and_not_as_a_bug(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    seam = seam_with(engine, clock, ["SELECT pg_sleep(2)"] * 99, retries=2)
    progress: list[float] = []

    async def note_progress(_: float) -> None:
        progress.append(seam.progress_at)

    seam._sleep = note_progress
    await seam.take([delivered(record_of(registered()))])
    found = await scalar(engine, "SELECT reason FROM parked_events")
    assert found == "gave_up:database_busy"
    assert len(set(progress)) == len(progress) > 1  # the watchdog must not end it before


async def test_parking_waits_for_a_busy_moment_as_well(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    seam = seam_with(engine, clock, [])
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SEQUENCE tries"))
        await connection.execute(
            text(
                "CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF nextval('tries') < 4 THEN RAISE EXCEPTION USING ERRCODE = '55P03'; END IF;"
                " RETURN new; END $$"
            )
        )
        await connection.execute(
            text(
                "CREATE TRIGGER busy BEFORE INSERT ON parked_events"
                " FOR EACH ROW EXECUTE FUNCTION busy()"
            )
        )
    await seam.take([delivered(record_of(registered(), value=b"?"))])
    assert await scalar(engine, "SELECT reason FROM parked_events") == "not_json"


async def test_the_time_that_the_database_was_away_is_not_held_against_an_event(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    away = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '57P03'; END $$"
    seam = seam_with(engine, clock, [away] * 6 + ["SELECT 1/0"], bugs=1)
    await seam.take([delivered(record_of(registered()))])
    assert len(await tally(engine)) == 1
    assert await scalar(engine, "SELECT count(*) FROM parked_events") == 0


class Remind(Work):
    """A timer of the test's service."""

    who: str


def a_folder_is_no_zone() -> None:
    ZoneInfo("America")


def a_letter_is_missing() -> None:
    Path("/nowhere/letter.typ").read_bytes()


@pytest.mark.parametrize("meet", [a_folder_is_no_zone, a_letter_is_missing])
async def test_a_file_that_our_code_cannot_read_parks_its_event_and_is_no_absent_database(
    engine: AsyncEngine, clock: FixedClock, meet: Callable[[], None]
) -> None:
    ill, well = new_id(), new_id()
    on = Handlers("listener")

    @on.event(PatientRegistered)
    async def note(event: PatientRegistered, tx: Transaction) -> None:
        await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": event.key})
        if event.key == str(ill):
            meet()

    seam = Seam(on, UnitOfWork(engine, clock, on), limits=Limits(bug_retries=0))
    async with asyncio.timeout(10):
        await seam.take([delivered(record_of(registered(who))) for who in (ill, well)])
    assert [who for who, _ in await tally(engine)] == [str(well)]
    assert str(await scalar(engine, "SELECT reason FROM parked_events")).startswith("bug:")


async def test_a_file_that_our_code_cannot_read_stops_no_other_timer(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    on = Handlers("billing")

    @on.due(Remind)
    async def remind(work: Remind, tx: Transaction) -> None:
        if work.who == "broken":
            a_folder_is_no_zone()
        await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": work.who})

    unit = UnitOfWork(engine, clock, on)
    async with unit.transaction() as tx:
        tx.do(Remind(who="broken"))
        for n in range(5):
            tx.do(Remind(who=f"well {n}"))
    limits = WorkLimits(poll_s=0.02, backoff_s=0.05, bug_attempts=2)
    worker = asyncio.create_task(Workers(on, unit, {}, limits=limits).run())

    async def the_others_are_decided() -> None:
        assert len(await tally(engine)) == 5

    try:
        await eventually(the_others_are_decided)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_database_that_refuses_hangs_up_or_says_nothing_is_absent() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for answer in (None, hang_up, say_nothing):
        server = await asyncio.start_server(answer or hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if answer is None:
            server.close()
        engine = create_engine(f"postgresql+asyncpg://nobody:x@127.0.0.1:{port}/x")
        with pytest.raises((OSError, DBAPIError)) as caught:
            await engine.connect()
        assert unreachable(caught.value)
        server.close()
        await engine.dispose()
