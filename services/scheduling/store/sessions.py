"""Sessions that a clinician leads, and the links by which patients book them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, update
from sqlmodel import col

from services.scheduling.rules.slots import Slot
from services.scheduling.rules.visits import FREED
from services.scheduling.store.rows import one
from services.scheduling.store.visits import LONGEST_VISIT
from services.scheduling.tables import Appointment, Patient
from services.scheduling.tables.booking_links import BookingLink
from shared.messaging import Transaction


async def find_link(tx: Transaction, link_id: UUID) -> BookingLink | None:
    return await one(tx, _link(link_id), BookingLink)


async def lock_link(tx: Transaction, link_id: UUID) -> BookingLink | None:
    """A link, held until the commit; taken before the patient's row."""
    return await one(tx, _link(link_id).with_for_update(), BookingLink)


def _link(link_id: UUID) -> Select[Any]:
    return select(BookingLink).where(col(BookingLink.link_id) == link_id)


async def change_link(tx: Transaction, link: BookingLink, **values: object) -> BookingLink:
    await tx.execute(
        update(BookingLink).where(col(BookingLink.link_id) == link.link_id).values(**values)
    )
    return BookingLink(**(link.model_dump() | values))


async def taken_of_leader(
    tx: Transaction, led_by: UUID, patient_id: UUID, *, since: datetime, until: datetime
) -> list[Slot]:
    """What a leader has, and what the patient has, the leader standing in a chair's place."""
    rows = select(
        col(Appointment.starts_at),
        col(Appointment.ends_at),
        func.coalesce(col(Appointment.led_by), col(Appointment.chair_id)).label("chair_id"),
        col(Appointment.patient_id),
    ).where(
        or_(col(Appointment.led_by) == led_by, col(Appointment.patient_id) == patient_id),
        col(Appointment.starts_at) > since - LONGEST_VISIT,
        col(Appointment.starts_at) < until,
        col(Appointment.state).not_in(FREED),
    )
    return [Slot(**row) for row in (await tx.execute(rows)).mappings()]


async def lock_session(tx: Transaction, appointment_id: UUID) -> Appointment | None:
    """A session, once its patient's row is held."""
    session = (
        col(Appointment.appointment_id) == appointment_id,
        col(Appointment.led_by).is_not(None),
    )
    held = select(col(Patient.patient_id)).join(
        Appointment, col(Appointment.patient_id) == col(Patient.patient_id)
    )
    await tx.execute(held.where(*session).with_for_update(key_share=True, of=Patient))
    return await one(tx, select(Appointment).where(*session), Appointment)
