"""Sessions that a clinician leads, and the links by which patients book them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlmodel import col

from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store.clinic import find_location
from services.scheduling.store.patients import find_patient
from services.scheduling.store.rows import one
from services.scheduling.tables import Appointment, Location, Patient
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


@dataclass(frozen=True, slots=True)
class HeldSession:
    """A session as it is once its patient's row is held, and its revision before the wait."""

    session: Appointment
    location: Location
    revision_before: int


async def lock_session(tx: Transaction, appointment_id: UUID) -> HeldSession | None:
    """A session, once its patient's row is held.

    As for a visit of a series, what it waited for shows in its revision: the first statement reads
    it from a snapshot that is older than the wait.
    """
    its_own = (
        col(Appointment.appointment_id) == appointment_id,
        col(Appointment.led_by).is_not(None),
    )
    held = select(col(Appointment.revision)).join(
        Patient, col(Appointment.patient_id) == col(Patient.patient_id)
    )
    held = held.where(*its_own).with_for_update(key_share=True, of=Patient)
    revision_before = (await tx.execute(held)).scalar_one_or_none()
    session = await one(tx, select(Appointment).where(*its_own), Appointment)
    if revision_before is None or session is None:
        return None
    location = await find_location(tx, session.location_id)
    assert location is not None, "a session has its place"
    return HeldSession(session, location, revision_before)


async def find_consult(tx: Transaction, appointment_id: UUID) -> tuple[Appointment, Patient] | None:
    """A session that took place, and its patient."""
    rows = select(Appointment).where(
        col(Appointment.appointment_id) == appointment_id,
        col(Appointment.state) == VisitState.ATTENDED,
    )
    session = await one(tx, rows, Appointment)
    if session is None:
        return None
    patient = await find_patient(tx, session.patient_id)
    assert patient is not None, "a session belongs to a patient"
    return session, patient
