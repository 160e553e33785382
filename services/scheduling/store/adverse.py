"""Adverse events: which are open, and when one is over. What they were is in the chart's notes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select, update
from sqlmodel import col

from services.scheduling.store.rows import one
from services.scheduling.tables import Appointment, Patient
from services.scheduling.tables.adverse import AdverseEvent
from services.scheduling.tables.visits import ChartNote
from shared.messaging import Transaction

EVENTS: Table = AdverseEvent.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_NOTED = (EVENTS.c.noted_at, EVENTS.c.note_id)


def add_event(tx: Transaction, visit: Appointment, note: ChartNote, *, resolved: bool) -> None:
    tx.insert(
        AdverseEvent,
        note_id=note.note_id,
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        noted_at=note.noted_at,
        resolved_at=note.noted_at if resolved else None,
        resolved_by=note.noted_by if resolved else None,
    )


def events_noted(*, open_: bool, patient_id: UUID | None) -> Select[Any]:
    """Those that are not over, or those that are, to be shown a page at a time."""
    waits = col(AdverseEvent.resolved_at).is_(None)
    rows = (
        select(AdverseEvent)
        .add_columns(col(Appointment.location_id))
        .join(Appointment, col(Appointment.appointment_id) == col(AdverseEvent.appointment_id))
        .where(waits if open_ else ~waits)
    )
    return rows if patient_id is None else rows.where(col(AdverseEvent.patient_id) == patient_id)


async def lock_event(tx: Transaction, note_id: UUID) -> AdverseEvent | None:
    """An event as it is once its patient's row is held."""
    rows = select(Patient).join(AdverseEvent).where(col(AdverseEvent.note_id) == note_id)
    if await one(tx, rows.with_for_update(key_share=True, of=Patient), Patient) is None:
        return None
    return await one(
        tx, select(AdverseEvent).where(col(AdverseEvent.note_id) == note_id), AdverseEvent
    )


async def set_resolved(tx: Transaction, event: AdverseEvent, by: str | None) -> AdverseEvent:
    """Over, by whose word; or, as it came back, open again."""
    values = {"resolved_at": None if by is None else tx.now, "resolved_by": by}
    await tx.execute(
        update(AdverseEvent).where(col(AdverseEvent.note_id) == event.note_id).values(**values)
    )
    return AdverseEvent(**(event.model_dump() | values))
