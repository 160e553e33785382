"""Made-up series, as scheduling would plan them and billing would be told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.claims import PlannedVisit, SeriesPlan
from shared.events.scheduling import AppointmentBooked, SeriesBooked, VisitType
from shared.ids import new_id
from tests.billing.records import infusion_record

if TYPE_CHECKING:
    from tests.billing.conftest import Billing


@dataclass(slots=True)
class Series:
    """A booked series and its visits."""

    series_id: UUID
    patient_id: UUID
    visits: list[UUID] = field(default_factory=list)


def plan_of(
    series_id: UUID, patient_id: UUID, starts: Sequence[datetime], **changes: Any
) -> SeriesPlan:
    record = infusion_record(patient_id=patient_id)
    fields: dict[str, Any] = {
        "series_id": series_id,
        "patient": record.patient,
        "prescriber": record.rendering,
        "location": record.location,
        "visit_type": VisitType.KETAMINE_MOOD,
        "diagnoses": ("F33.2", "F43.12"),
        "visits": tuple(PlannedVisit(starts_at=at, infusion_min=50) for at in starts),
    }
    return SeriesPlan(**fields | changes)


def starts_from(first: datetime, count: int) -> list[datetime]:
    """Every third day from the first on."""
    return [first + timedelta(days=3 * n) for n in range(count)]


def series_booked(
    series_id: UUID, patient_id: UUID, starts: Sequence[datetime], booked_at: datetime
) -> SeriesBooked:
    return SeriesBooked(
        patient_id=patient_id,
        series_id=series_id,
        visit_type=VisitType.KETAMINE_MOOD,
        planned_infusions=len(starts),
        first_starts_at=starts[0],
        last_starts_at=starts[-1],
        booked_at=booked_at,
    )


def visit_booked(
    series_id: UUID, patient_id: UUID, starts_at: datetime, sequence_no: int
) -> AppointmentBooked:
    return AppointmentBooked(
        patient_id=patient_id,
        appointment_id=new_id(),
        series_id=series_id,
        sequence_no=sequence_no,
        location_id=new_id(),
        visit_type=VisitType.KETAMINE_MOOD,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=50),
        revision=0,
    )


async def book_series(billing: Billing, patient_id: UUID, count: int, *, planned: int) -> Series:
    """A series whose estimate covers `planned` infusions; more of its visits may be booked."""
    first = billing.clock.now() + timedelta(days=14)
    series = Series(new_id(), patient_id)
    starts = starts_from(first, count)
    billing.scheduling.has_plan(plan_of(series.series_id, patient_id, starts[:planned]))
    booked = series_booked(series.series_id, patient_id, starts[:planned], billing.clock.now())
    visits = [visit_booked(series.series_id, patient_id, at, n) for n, at in enumerate(starts, 1)]
    await billing.hear(booked, *visits)
    await billing.until_rest()
    series.visits += [visit.appointment_id for visit in visits]
    return series
