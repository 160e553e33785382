"""Visits: held while they change, what is taken, lists."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Table,
    select,
    text,
    update,
)
from sqlmodel import col

from services.scheduling.rules.clinic.rooms import Used
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.visits.life import FREED, SendHomeReason, VisitState
from services.scheduling.store.clinic import find_location
from services.scheduling.store.courses import Course, find_course
from services.scheduling.store.patients import find_patient
from services.scheduling.store.rows import every, seal, unseal
from services.scheduling.tables import Appointment, Location, Patient
from shared.events.scheduling import RideMode
from shared.ids import new_id
from shared.messaging import Transaction

DAY_LOCK_SPACE = 7_041_005

APPOINTMENTS: Table = Appointment.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_START = (APPOINTMENTS.c.starts_at, APPOINTMENTS.c.appointment_id)
"""The order of lists of visits."""


@dataclass(frozen=True, slots=True)
class HeldVisit:
    """A visit as it is once its patient's row is held, and the revision it had before the wait.

    A treatment outside a series has no course.
    """

    visit: Appointment
    patient: Patient
    course: Course | None
    location: Location
    revision_before: int

    @property
    def state(self) -> VisitState:
        """What a step is judged by. Who was aborted keeps that state, and is gone once let go."""
        if self.visit.no_drive_until is None:
            return VisitState(self.visit.state)
        return VisitState.DISCHARGED if self.visit.left_at is None else VisitState.LEFT

    def visits_with(self, changed: Appointment) -> list[Appointment]:
        """The series' visits, this one as it is after a change; none of a treatment."""
        visits = [] if self.course is None else self.course.visits
        return [changed if visit is self.visit else visit for visit in visits]


def add_visit(
    tx: Transaction,
    slot: Slot,
    series_id: UUID,
    sequence_no: int,
    location_id: UUID,
    visit_type: str,
) -> None:
    tx.insert(
        Appointment,
        appointment_id=new_id(),
        patient_id=slot.patient_id,
        series_id=series_id,
        sequence_no=sequence_no,
        location_id=location_id,
        chair_id=slot.chair_id,
        room_id=slot.room_id,
        visit_type=visit_type,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        state=VisitState.BOOKED,
        revision=0,
    )


def add_treatment(
    tx: Transaction,
    slot: Slot,
    location_id: UUID,
    visit_type: str,
    ordered_by: UUID,
    diagnoses: Sequence[str],
) -> UUID:
    """A visit in a chair outside a series. What it is given for is sealed."""
    appointment_id = new_id()
    tx.insert(
        Appointment,
        appointment_id=appointment_id,
        patient_id=slot.patient_id,
        location_id=location_id,
        chair_id=slot.chair_id,
        room_id=slot.room_id,
        ordered_by=ordered_by,
        visit_type=visit_type,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        state=VisitState.BOOKED,
        revision=0,
        diagnoses=seal_diagnoses(tx, appointment_id, diagnoses),
    )
    return appointment_id


def seal_diagnoses(tx: Transaction, appointment_id: UUID, codes: Sequence[str]) -> bytes:
    return seal(tx, {"codes": codes}, "appointments", "diagnoses", appointment_id)


def diagnoses_of_visit(tx: Transaction, visit: Appointment) -> list[str]:
    """What a session was held for, or a treatment is given for."""
    assert visit.diagnoses is not None, "asked only of what has its own"
    place = ("appointments", "diagnoses", visit.appointment_id)
    return [str(code) for code in unseal(tx, visit.diagnoses, *place)["codes"]]


async def lock_visit(tx: Transaction, appointment_id: UUID) -> HeldVisit | None:
    """A visit in a chair, of a series or outside one, once its patient's row is held.

    What it waited for shows in its revision. The first statement reads the revision from its own
    snapshot, which is older than the wait; the visit itself is read after the wait.
    """
    before = (
        await tx.execute(
            select(col(Appointment.revision), col(Appointment.series_id))
            .join(Patient, col(Patient.patient_id) == col(Appointment.patient_id))
            .where(
                col(Appointment.appointment_id) == appointment_id,
                col(Appointment.led_by).is_(None),
                col(Appointment.hold_id).is_(None),
            )
            .with_for_update(key_share=True, of=Patient)
        )
    ).one_or_none()
    if before is None:
        return None
    course = None if before.series_id is None else await find_course(tx, before.series_id)
    if course is None:
        rows = select(Appointment).where(col(Appointment.appointment_id) == appointment_id)
        [visit] = await every(tx, rows, Appointment)
    else:
        [visit] = (each for each in course.visits if each.appointment_id == appointment_id)
    patient = await find_patient(tx, visit.patient_id) if course is None else course.patient
    location = await find_location(tx, visit.location_id)
    assert patient is not None, "a visit has its patient"
    assert location is not None, "a visit has its place"
    return HeldVisit(visit, patient, course, location, before.revision)


async def change_visit(tx: Transaction, visit: Appointment, **values: object) -> Appointment:
    """Store changes of a visit. Returns it as it is then."""
    await tx.execute(
        update(Appointment)
        .where(col(Appointment.appointment_id) == visit.appointment_id)
        .values(**values)
    )
    return Appointment(**(visit.model_dump() | values))


def seal_transfer(tx: Transaction, appointment_id: UUID, place: str | None) -> bytes | None:
    """Which hospital took the patient over."""
    if place is None:
        return None
    return seal(tx, {"place": place}, "appointments", "transferred_to", appointment_id)


def seal_driver(
    tx: Transaction, appointment_id: UUID, name: str | None, phone: str | None
) -> bytes | None:
    if name is None and phone is None:
        return None
    return seal(tx, {"name": name, "phone": phone}, "appointments", "driver", appointment_id)


def driver_of(tx: Transaction, visit: Appointment) -> Mapping[str, str | None]:
    """Who drives: `name` and `phone`, either of which may be missing."""
    if visit.driver is None:
        return {}
    return unseal(tx, visit.driver, "appointments", "driver", visit.appointment_id)


def seal_sent_home(tx: Transaction, appointment_id: UUID, reason: SendHomeReason) -> bytes:
    return seal(tx, {"reason": reason}, "appointments", "sent_home_reason", appointment_id)


def seal_ride_seen(
    tx: Transaction,
    appointment_id: UUID,
    mode: RideMode,
    driver_name: str | None,
    driver_phone: str | None,
    seen_by: str,
) -> bytes:
    seen = {
        "mode": mode,
        "driver_name": driver_name,
        "driver_phone": driver_phone,
        "seen_by": seen_by,
    }
    return seal(tx, seen, "appointments", "ride_seen", appointment_id)


def ride_seen_of(tx: Transaction, visit: Appointment) -> Mapping[str, Any]:
    """Who came, and who saw it: `mode`, `driver_name`, `driver_phone`, `seen_by`."""
    assert visit.ride_seen is not None, "asked only of one that was seen"
    place = ("appointments", "ride_seen", visit.appointment_id)
    return unseal(tx, visit.ride_seen, *place)


def seal_abort(tx: Transaction, appointment_id: UUID, reason: str) -> bytes:
    return seal(tx, {"reason": reason}, "appointments", "abort_reason", appointment_id)


def abort_reason_of(tx: Transaction, visit: Appointment) -> str | None:
    if visit.abort_reason is None:
        return None
    place = ("appointments", "abort_reason", visit.appointment_id)
    return str(unseal(tx, visit.abort_reason, *place)["reason"])


def sent_home_reason_of(tx: Transaction, visit: Appointment) -> SendHomeReason | None:
    if visit.sent_home_reason is None:
        return None
    place = ("appointments", "sent_home_reason", visit.appointment_id)
    return SendHomeReason(unseal(tx, visit.sent_home_reason, *place)["reason"])


async def lock_days(tx: Transaction, location_id: UUID, days: Collection[date]) -> None:
    """Hold a place's days until the commit: nurses are counted over all its chairs.

    Days of different places may share a lock, which costs a wait and no more.
    """
    keys = sorted({zlib.crc32(f"{location_id}/{day}".encode()) >> 1 for day in days})
    await tx.execute(
        text(
            "SELECT pg_advisory_xact_lock(CAST(:space AS integer), k)"
            " FROM unnest(CAST(:keys AS integer[])) AS k"
        ),
        {"space": DAY_LOCK_SPACE, "keys": keys},
    )


async def rooms_used(
    tx: Transaction,
    room_ids: Collection[UUID],
    *,
    since: datetime,
    until: datetime,
    besides: Collection[UUID] = (),
) -> list[Used]:
    """What is taken of these rooms within a span, without some visits."""
    rows = select(
        col(Appointment.room_id), col(Appointment.starts_at), col(Appointment.ends_at)
    ).where(
        col(Appointment.room_id).in_(room_ids),
        col(Appointment.ends_at) > since,
        col(Appointment.starts_at) < until,
        col(Appointment.state).not_in(FREED),
        col(Appointment.appointment_id).not_in(besides),
    )
    return [Used(**row) for row in (await tx.execute(rows)).mappings()]


def taken_from(since: datetime, location_id: UUID) -> Select[Any]:
    """What takes time of a place and ends after a moment, plans that are held included."""
    return select(Appointment).where(
        col(Appointment.location_id) == location_id,
        col(Appointment.ends_at) > since,
        col(Appointment.state).not_in(FREED),
    )


async def places_in_use(
    tx: Transaction, since: datetime, location_id: UUID | None
) -> list[Location]:
    """The places, or this one, of which something takes time that ends after a moment."""
    taken = select(col(Appointment.appointment_id)).where(
        col(Appointment.location_id) == col(Location.location_id),
        col(Appointment.ends_at) > since,
        col(Appointment.state).not_in(FREED),
    )
    rows = select(Location).where(taken.exists())
    if location_id is not None:
        rows = rows.where(col(Location.location_id) == location_id)
    return await every(tx, rows.order_by(col(Location.location_id)), Location)


def visits_between(
    since: datetime | None, until: datetime | None, location_id: UUID | None
) -> Select[Any]:
    """The visits that start in a span, to be shown a page at a time."""
    rows = select(Appointment).where(col(Appointment.hold_id).is_(None))
    if since is not None:
        rows = rows.where(col(Appointment.starts_at) >= since)
    if until is not None:
        rows = rows.where(col(Appointment.starts_at) < until)
    if location_id is not None:
        rows = rows.where(col(Appointment.location_id) == location_id)
    return rows
