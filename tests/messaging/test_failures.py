"""Trouble that passes is waited out; only what cannot pass is parked."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FixedClock
from shared.events.scheduling import PatientRegistered
from shared.messaging import Handlers, Transaction, UnitOfWork
from shared.messaging.seam import Limits, Seam
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import delivered, record_of, registered

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
