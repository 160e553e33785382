"""Series with their patients and visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from services.scheduling.rules.series.course import SeriesState
from services.scheduling.store.patients import find_patient
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Appointment, Patient, Series
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Course:
    """A series, its patient, and its visits, earliest first."""

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
    planned_infusions: int,
) -> None:
    tx.insert(
        Series,
        series_id=series_id,
        patient_id=patient_id,
        prescriber_id=prescriber_id,
        location_id=location_id,
        visit_type=visit_type,
        diagnoses=seal(tx, {"codes": diagnoses}, "series", "diagnoses", series_id),
        planned_infusions=planned_infusions,
        state=SeriesState.BOOKED,
        booked_at=tx.now,
    )


async def has_open_series(tx: Transaction, patient_id: UUID) -> bool:
    rows = select(col(Series.series_id)).where(
        col(Series.patient_id) == patient_id, col(Series.state) == SeriesState.BOOKED
    )
    return (await tx.execute(rows)).first() is not None


async def find_course(tx: Transaction, series_id: UUID) -> Course | None:
    series = await one(tx, select(Series).where(col(Series.series_id) == series_id), Series)
    if series is None:
        return None
    patient = await find_patient(tx, series.patient_id)
    assert patient is not None, "a series belongs to a patient"
    return Course(patient, series, await visits_of(tx, series_id))


async def lock_course(tx: Transaction, series_id: UUID) -> Course | None:
    """A series as it is once its patient's row is held."""
    rows = select(Patient).join(Series).where(col(Series.series_id) == series_id)
    held = await one(tx, rows.with_for_update(key_share=True, of=Patient), Patient)
    return None if held is None else await find_course(tx, series_id)


async def visits_of(tx: Transaction, series_id: UUID) -> list[Appointment]:
    rows = select(Appointment).where(col(Appointment.series_id) == series_id)
    order = col(Appointment.starts_at), col(Appointment.sequence_no)
    return await every(tx, rows.order_by(*order), Appointment)


async def complete_series(tx: Transaction, series: Series, given: int) -> None:
    """End a series that is done. The first time is kept; what was signed before it is used up."""
    first = {"completed_at": tx.now, "completed_with": given, "extra_infusions": 0}
    await _change_series(
        tx,
        series.series_id,
        state=SeriesState.COMPLETED,
        ended_at=tx.now,
        **({} if series.completed_at else first),
    )


async def reopen_series(tx: Transaction, series_id: UUID) -> None:
    """A completed series gets more infusions."""
    await _change_series(tx, series_id, state=SeriesState.BOOKED, ended_at=None)


async def stop_series(tx: Transaction, series: Series, reason: str) -> None:
    """End a series early. One that was completed before is so again."""
    sealed = seal(tx, {"reason": reason}, "series", "stop_reason", series.series_id)
    state = SeriesState.COMPLETED if series.completed_at else SeriesState.STOPPED
    await _change_series(tx, series.series_id, state=state, ended_at=tx.now, stop_reason=sealed)


async def correct_series(
    tx: Transaction, series_id: UUID, diagnoses: Sequence[str], prescriber_id: UUID
) -> None:
    sealed = seal(tx, {"codes": list(diagnoses)}, "series", "diagnoses", series_id)
    await _change_series(tx, series_id, diagnoses=sealed, prescriber_id=prescriber_id)


async def _change_series(tx: Transaction, series_id: UUID, **values: object) -> None:
    await tx.execute(update(Series).where(col(Series.series_id) == series_id).values(**values))


def diagnoses_of(tx: Transaction, series: Series) -> list[str]:
    opened = unseal(tx, series.diagnoses, "series", "diagnoses", series.series_id)
    return [str(code) for code in opened["codes"]]


async def find_infusion(tx: Transaction, infusion_id: UUID) -> Appointment | None:
    """An infusion, or another treatment, whose drip has stopped."""
    rows = select(Appointment).where(
        col(Appointment.infusion_id) == infusion_id, col(Appointment.stopped_at).is_not(None)
    )
    return await one(tx, rows, Appointment)
