"""Every query of scheduling, and the only place that seals and opens what patients entrust.

Locks are taken in one order, so that no two requests wait for each other: the patient's row, then
chairs by their id. Whoever changes anything of a patient's course holds that patient's row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, Table, or_, select, update
from sqlmodel import SQLModel, col

from services.scheduling.rules.patients import Concern
from services.scheduling.rules.series import PROTOCOLS, SeriesState
from services.scheduling.rules.slots import Slot
from services.scheduling.rules.visits import VisitState
from services.scheduling.tables import (
    Appointment,
    Chair,
    Clearance,
    Clinician,
    Location,
    Patient,
    Series,
)
from shared.claims import ClinicianCard, LocationCard, PatientCard
from shared.ids import new_id
from shared.messaging import Transaction

LONGEST_VISIT = max(protocol.booked_for for protocol in PROTOCOLS.values())

APPOINTMENTS: Table = Appointment.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_START = (APPOINTMENTS.c.starts_at, APPOINTMENTS.c.appointment_id)
"""The order of lists of visits."""

T = TypeVar("T", bound=SQLModel)


async def _all(tx: Transaction, rows: Select[Any], table: type[T]) -> list[T]:
    return [table(**row) for row in (await tx.execute(rows)).mappings()]


async def _one(tx: Transaction, rows: Select[Any], table: type[T]) -> T | None:
    row = (await tx.execute(rows)).mappings().one_or_none()
    return None if row is None else table(**row)


# Places and people of the clinic.


async def find_location(tx: Transaction, location_id: UUID) -> Location | None:
    rows = select(Location).where(col(Location.location_id) == location_id)
    return await _one(tx, rows, Location)


def location_card(location: Location) -> LocationCard:
    return LocationCard.model_validate(location.model_dump())


async def has_chair_named(tx: Transaction, location_id: UUID, name: str) -> bool:
    rows = select(col(Chair.chair_id)).where(
        col(Chair.location_id) == location_id, col(Chair.name) == name
    )
    return (await tx.execute(rows)).first() is not None


async def lock_chairs(tx: Transaction, chair_ids: Collection[UUID]) -> dict[UUID, Chair]:
    """Chairs by id, each held until the commit, taken in the order of their ids."""
    rows = (
        select(Chair)
        .where(col(Chair.chair_id).in_(chair_ids))
        .order_by(col(Chair.chair_id))
        .with_for_update(key_share=True)
    )
    return {chair.chair_id: chair for chair in await _all(tx, rows, Chair)}


async def find_clinician(tx: Transaction, clinician_id: UUID) -> Clinician | None:
    rows = select(Clinician).where(col(Clinician.clinician_id) == clinician_id)
    return await _one(tx, rows, Clinician)


def clinician_card(clinician: Clinician) -> ClinicianCard:
    return ClinicianCard.model_validate(clinician.model_dump())


# Patients.


def add_patient(
    tx: Transaction, card: PatientCard, concerns: Sequence[Concern], *, held: bool
) -> None:
    tx.insert(
        Patient,
        patient_id=card.patient_id,
        card=_sealed_card(tx, card),
        concerns=_seal(tx, {"concerns": concerns}, "patients", "concerns", card.patient_id),
        held=held,
        registered_at=tx.now,
    )


async def find_patient(tx: Transaction, patient_id: UUID) -> Patient | None:
    rows = select(Patient).where(col(Patient.patient_id) == patient_id)
    return await _one(tx, rows, Patient)


async def lock_patient(tx: Transaction, patient_id: UUID) -> Patient | None:
    """A patient, held until the commit: nobody else changes this patient's course meanwhile."""
    rows = select(Patient).where(col(Patient.patient_id) == patient_id)
    return await _one(tx, rows.with_for_update(key_share=True), Patient)


def patient_card(tx: Transaction, patient: Patient) -> PatientCard:
    return PatientCard.model_validate(
        _open(tx, patient.card, "patients", "card", patient.patient_id)
    )


def concerns_of(tx: Transaction, patient: Patient) -> list[Concern]:
    opened = _open(tx, patient.concerns, "patients", "concerns", patient.patient_id)
    return [Concern(concern) for concern in opened["concerns"]]


async def change_card(tx: Transaction, card: PatientCard) -> None:
    await tx.execute(
        update(Patient)
        .where(col(Patient.patient_id) == card.patient_id)
        .values(card=_sealed_card(tx, card))
    )


async def record_clearance(
    tx: Transaction, patient_id: UUID, clinician_id: UUID, note: str
) -> None:
    """Keep a clearance and end the hold."""
    clearance_id = new_id()
    tx.insert(
        Clearance,
        clearance_id=clearance_id,
        patient_id=patient_id,
        clinician_id=clinician_id,
        note=_seal(tx, {"note": note}, "clearances", "note", clearance_id),
        cleared_at=tx.now,
    )
    await tx.execute(
        update(Patient).where(col(Patient.patient_id) == patient_id).values(held=False)
    )


# Series.


@dataclass(frozen=True, slots=True)
class Course:
    """A series, its patient, and its visits in their order."""

    patient: Patient
    series: Series
    visits: list[Appointment]


def add_series(
    tx: Transaction,
    *,
    series_id: UUID,
    patient_id: UUID,
    prescriber_id: UUID,
    location_id: UUID,
    visit_type: str,
    diagnoses: Sequence[str],
) -> None:
    tx.insert(
        Series,
        series_id=series_id,
        patient_id=patient_id,
        prescriber_id=prescriber_id,
        location_id=location_id,
        visit_type=visit_type,
        diagnoses=_seal(tx, {"codes": diagnoses}, "series", "diagnoses", series_id),
        state=SeriesState.BOOKED,
        booked_at=tx.now,
    )


async def has_open_series(tx: Transaction, patient_id: UUID) -> bool:
    rows = select(col(Series.series_id)).where(
        col(Series.patient_id) == patient_id, col(Series.state) == SeriesState.BOOKED
    )
    return (await tx.execute(rows)).first() is not None


async def find_course(tx: Transaction, series_id: UUID) -> Course | None:
    series = await _one(tx, select(Series).where(col(Series.series_id) == series_id), Series)
    if series is None:
        return None
    patient = await find_patient(tx, series.patient_id)
    assert patient is not None, "a series belongs to a patient"
    return Course(patient, series, await visits_of(tx, series_id))


async def lock_course(tx: Transaction, series_id: UUID) -> Course | None:
    """A series as it is once its patient's row is held."""
    rows = select(Patient).join(Series).where(col(Series.series_id) == series_id)
    held = await _one(tx, rows.with_for_update(key_share=True, of=Patient), Patient)
    return None if held is None else await find_course(tx, series_id)


async def visits_of(tx: Transaction, series_id: UUID) -> list[Appointment]:
    rows = select(Appointment).where(col(Appointment.series_id) == series_id)
    return await _all(tx, rows.order_by(col(Appointment.sequence_no)), Appointment)


async def complete_series(tx: Transaction, series_id: UUID) -> None:
    await tx.execute(
        update(Series)
        .where(col(Series.series_id) == series_id)
        .values(state=SeriesState.COMPLETED, ended_at=tx.now)
    )


async def stop_series(tx: Transaction, series_id: UUID, reason: str) -> None:
    await tx.execute(
        update(Series)
        .where(col(Series.series_id) == series_id)
        .values(
            state=SeriesState.STOPPED,
            ended_at=tx.now,
            stop_reason=_seal(tx, {"reason": reason}, "series", "stop_reason", series_id),
        )
    )


def diagnoses_of(tx: Transaction, series: Series) -> list[str]:
    opened = _open(tx, series.diagnoses, "series", "diagnoses", series.series_id)
    return [str(code) for code in opened["codes"]]


# Visits.


@dataclass(frozen=True, slots=True)
class HeldVisit:
    """A visit as it is once its patient's row is held, and the revision it had before the wait."""

    visit: Appointment
    course: Course
    location: Location
    revision_before: int


def add_visit(tx: Transaction, **values: object) -> None:
    tx.insert(Appointment, **values, state=VisitState.BOOKED, revision=0)


async def lock_visit(tx: Transaction, appointment_id: UUID) -> HeldVisit | None:
    before = (
        await tx.execute(
            select(col(Appointment.revision), col(Appointment.series_id))
            .join(Patient, col(Patient.patient_id) == col(Appointment.patient_id))
            .where(col(Appointment.appointment_id) == appointment_id)
            .with_for_update(key_share=True, of=Patient)
        )
    ).one_or_none()
    if before is None:
        return None
    course = await find_course(tx, before.series_id)
    assert course is not None, "a visit belongs to a series"
    location = await find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    [visit] = (each for each in course.visits if each.appointment_id == appointment_id)
    return HeldVisit(visit, course, location, before.revision)


async def change_visit(tx: Transaction, visit: Appointment, **values: object) -> Appointment:
    """Store changes of a visit. Returns it as it is then."""
    await tx.execute(
        update(Appointment)
        .where(col(Appointment.appointment_id) == visit.appointment_id)
        .values(**values)
    )
    return Appointment(**(visit.model_dump() | values))


def seal_driver(
    tx: Transaction, appointment_id: UUID, name: str | None, phone: str | None
) -> bytes | None:
    if name is None and phone is None:
        return None
    return _seal(tx, {"name": name, "phone": phone}, "appointments", "driver", appointment_id)


def driver_of(tx: Transaction, visit: Appointment) -> Mapping[str, str | None]:
    """Who drives: `name` and `phone`, either of which may be missing."""
    if visit.driver is None:
        return {}
    return _open(tx, visit.driver, "appointments", "driver", visit.appointment_id)


async def taken_slots(
    tx: Transaction,
    chair_ids: Collection[UUID],
    patient_id: UUID | None,
    *,
    since: datetime,
    until: datetime,
    besides: UUID | None = None,
) -> list[Slot]:
    """What is booked for these chairs or this patient within a span, without one visit."""
    rows = select(
        col(Appointment.starts_at),
        col(Appointment.ends_at),
        col(Appointment.chair_id),
        col(Appointment.patient_id),
    ).where(
        or_(
            col(Appointment.chair_id).in_(chair_ids),
            col(Appointment.patient_id) == patient_id,
        ),
        col(Appointment.starts_at) > since - LONGEST_VISIT,
        col(Appointment.starts_at) < until,
        col(Appointment.state) != VisitState.CANCELLED,
    )
    if besides is not None:
        rows = rows.where(col(Appointment.appointment_id) != besides)
    return [Slot(**row) for row in (await tx.execute(rows)).mappings()]


def visits_between(
    since: datetime | None, until: datetime | None, location_id: UUID | None
) -> Select[Any]:
    """The visits that start in a span, to be shown a page at a time."""
    rows = select(Appointment)
    if since is not None:
        rows = rows.where(col(Appointment.starts_at) >= since)
    if until is not None:
        rows = rows.where(col(Appointment.starts_at) < until)
    if location_id is not None:
        rows = rows.where(col(Appointment.location_id) == location_id)
    return rows


async def find_infusion(tx: Transaction, infusion_id: UUID) -> tuple[Appointment, Course] | None:
    """An infusion whose drip has stopped, with its series and patient."""
    rows = select(Appointment).where(
        col(Appointment.infusion_id) == infusion_id, col(Appointment.stopped_at).is_not(None)
    )
    visit = await _one(tx, rows, Appointment)
    if visit is None:
        return None
    course = await find_course(tx, visit.series_id)
    assert course is not None, "a visit belongs to a series"
    return visit, course


# Sealing.


def _sealed_card(tx: Transaction, card: PatientCard) -> bytes:
    return _seal(tx, card.model_dump(mode="json"), "patients", "card", card.patient_id)


def _seal(tx: Transaction, value: dict[str, Any], table: str, column: str, row: UUID) -> bytes:
    return tx.vault.seal(value, table=table, column=column, row=row)


def _open(tx: Transaction, sealed: bytes, table: str, column: str, row: UUID) -> dict[str, Any]:
    return tx.vault.open(bytes(sealed), table=table, column=column, row=row)
