"""Transfers, and the visits of which nobody said that the patient left."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduling.rules.visits.life import AFTER
from services.scheduling.store.rows import every, seal
from services.scheduling.store.visits import APPOINTMENTS, figure
from services.scheduling.tables import Appointment
from services.scheduling.tables.leaving import OverdueDischarge, Transfer
from shared.messaging import Transaction

RAISED: Table = OverdueDischarge.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_STOPPED = (APPOINTMENTS.c.stopped_at, APPOINTMENTS.c.appointment_id)


def add_transfer(
    tx: Transaction, visit: Appointment, reading_id: UUID, clinician_id: UUID, by: str, **why: str
) -> None:
    """`why` is the `place`, who has `taken_over`, and the `reason`."""
    tx.insert(
        Transfer,
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        reading_id=reading_id,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        handed_over=seal(tx, why, "transfers", "handed_over", visit.appointment_id),
    )


def not_gone(tx: Transaction, location_id: UUID | None) -> Select[Any]:
    """Visits whose recovery is over and whose patient was not discharged, and since when told.

    To be shown a page at a time.
    """
    recovered_at = col(Appointment.stopped_at) + func.make_interval(
        0, 0, 0, 0, 0, figure("recovery_min")
    )
    told = RAISED.c.appointment_id == APPOINTMENTS.c.appointment_id
    rows = (
        select(APPOINTMENTS, RAISED.c.raised_at.label("overdue_since"))
        .outerjoin(RAISED, told)
        .where(
            col(Appointment.state).in_(AFTER),
            col(Appointment.no_drive_until).is_(None),
            recovered_at <= tx.now,
        )
    )
    return rows if location_id is None else rows.where(col(Appointment.location_id) == location_id)


async def not_told(tx: Transaction) -> list[Appointment]:
    """Those of which nothing was said yet, the longest first."""
    rows = not_gone(tx, None).where(col(OverdueDischarge.raised_at).is_(None))
    return await every(tx, rows.order_by(*BY_STOPPED), Appointment)


async def note_told(tx: Transaction, appointment_id: UUID) -> bool:
    """Whether this was the first word of it."""
    row = insert(RAISED).values(appointment_id=appointment_id, raised_at=tx.now)
    noted = await tx.execute(row.on_conflict_do_nothing())
    return noted.rowcount == 1
