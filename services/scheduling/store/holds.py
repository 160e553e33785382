"""Plans that are held: their chairs are blocked by rows that are no visits yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.holds import HELD, HoldState
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store.rows import every, one
from services.scheduling.tables import Appointment
from services.scheduling.tables.holds import Hold
from shared.ids import new_id
from shared.messaging import Transaction


async def add_hold(
    tx: Transaction,
    wished: Sequence[Slot],
    location_id: UUID,
    visit_type: str,
    expires_at: datetime,
) -> Hold:
    hold = Hold(
        hold_id=new_id(),
        patient_id=wished[0].patient_id,
        location_id=location_id,
        visit_type=visit_type,
        state=HoldState.HELD,
        held_at=tx.now,
        expires_at=expires_at,
    )
    tx.insert(Hold, **hold.model_dump())
    for slot in wished:
        tx.insert(
            Appointment,
            appointment_id=new_id(),
            patient_id=slot.patient_id,
            location_id=location_id,
            chair_id=slot.chair_id,
            room_id=slot.room_id,
            hold_id=hold.hold_id,
            visit_type=visit_type,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            state=HELD,
            revision=0,
        )
    return hold


async def find_hold(tx: Transaction, hold_id: UUID) -> Hold | None:
    return await one(tx, select(Hold).where(col(Hold.hold_id) == hold_id), Hold)


async def lock_hold(tx: Transaction, hold_id: UUID) -> Hold | None:
    """A hold, kept as it is until the commit; taken after the patient's row."""
    return await one(tx, select(Hold).where(col(Hold.hold_id) == hold_id).with_for_update(), Hold)


async def open_hold(tx: Transaction, patient_id: UUID) -> Hold | None:
    """The plan whose chairs are kept for a patient, one that has run out and is not freed too."""
    rows = select(Hold).where(col(Hold.patient_id) == patient_id, col(Hold.state) == HoldState.HELD)
    return await one(tx, rows, Hold)


async def has_hold(tx: Transaction, patient_id: UUID) -> bool:
    return await open_hold(tx, patient_id) is not None


async def held_chairs(tx: Transaction, hold_id: UUID) -> list[Appointment]:
    """The chairs of a hold, earliest first."""
    rows = select(Appointment).where(col(Appointment.hold_id) == hold_id)
    return await every(tx, rows.order_by(col(Appointment.starts_at)), Appointment)


async def book_chairs(tx: Transaction, held: Sequence[Appointment], series_id: UUID) -> None:
    """Turn held chairs into the visits of a series, where they are: nothing is free meanwhile."""
    for number, chair in enumerate(held, start=1):
        await tx.execute(
            update(Appointment)
            .where(col(Appointment.appointment_id) == chair.appointment_id)
            .values(hold_id=None, series_id=series_id, sequence_no=number, state=VisitState.BOOKED)
        )


async def end_hold(
    tx: Transaction, hold_id: UUID, state: HoldState, *, series_id: UUID | None = None
) -> None:
    """Note what became of a hold. Chairs that were not booked are free from here on."""
    await tx.execute(delete(Appointment).where(col(Appointment.hold_id) == hold_id))
    await tx.execute(
        update(Hold).where(col(Hold.hold_id) == hold_id).values(state=state, series_id=series_id)
    )
