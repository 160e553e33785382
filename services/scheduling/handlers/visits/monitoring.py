"""Entries of a chart come at an interval, from the start of the drip until the patient leaves."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.scheduling import store
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.visits.life import AFTER, VisitState
from services.scheduling.store import charts as kept
from services.scheduling.store.house import figure_of
from services.scheduling.work import ExpectEntry
from shared.messaging import Transaction

WATCHED = frozenset({VisitState.RUNNING, *AFTER})


async def expect_entry(tx: Transaction, appointment_id: UUID) -> None:
    """Have the next entry fall due, in the place of the one that was expected before."""
    every_min = await figure_of(tx, HouseFigure.MONITOR_EVERY_MIN)
    tx.do(
        ExpectEntry(appointment_id=appointment_id),
        due=tx.now + timedelta(minutes=every_min),
        key=_key(appointment_id),
    )


def expect_no_more(tx: Transaction, appointment_id: UUID) -> None:
    tx.cancel(_key(appointment_id))


async def flag_late_entry(work: ExpectEntry, tx: Transaction) -> None:
    """Flag a visit whose entry is due and has not come. The next entry takes the flag away."""
    held = await store.lock_visit(tx, work.appointment_id)
    if held is None:
        return
    visit = held.visit
    if visit.state not in WATCHED or visit.no_drive_until is not None or visit.late_since:
        return
    assert visit.started_at is not None, "what is watched has started"
    readings = await kept.readings_of(tx, work.appointment_id)
    newest = max([visit.started_at, *(each.taken_at for each in readings)])
    due_at = newest + timedelta(minutes=await figure_of(tx, HouseFigure.MONITOR_EVERY_MIN))
    if due_at <= tx.now:
        await store.change_visit(tx, visit, late_since=due_at)


def _key(appointment_id: UUID) -> str:
    return f"entry/{appointment_id}"
