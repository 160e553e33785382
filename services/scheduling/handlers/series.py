"""Booking a whole series in one transaction, and ending one early."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.answers import SeriesAnswer, not_found, refused
from services.scheduling.handlers.rooms import broken_by_place, slot_of
from services.scheduling.handlers.shown import protocol_of, show_series
from services.scheduling.rules import series as rules
from services.scheduling.rules import slots
from services.scheduling.rules.broken import (
    UNKNOWN_LOCATION,
    UNKNOWN_PATIENT,
    UNKNOWN_SERIES,
    Broken,
    unknown,
)
from services.scheduling.rules.policy import Policy
from services.scheduling.rules.series import SeriesState
from services.scheduling.rules.slots import Slot
from services.scheduling.rules.visits import FROM, GIVEN, OPEN, Step, VisitState
from services.scheduling.store import Course, HeldVisit
from services.scheduling.tables import Appointment, Chair, Location, Patient
from services.scheduling.wishes import BookSeries, StopSeries
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    CancelReason,
    SeriesBooked,
    SeriesCompleted,
    SeriesStopped,
)
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


async def book_series(wish: BookSeries, tx: Transaction) -> SeriesAnswer | Refused:
    """Book every infusion of a series, or none and say all that stands in the way."""
    patient = await store.lock_patient(tx, wish.patient_id)
    location = await store.find_location(tx, wish.location_id)
    policy = await store.policy_of(tx, wish.location_id, wish.visit_type)
    zone = ZoneInfo("UTC" if location is None else location.zone)
    wished = [
        slot_of(policy, each.starts_at, each.chair_id, wish.patient_id, zone)
        for each in wish.appointments
    ]
    by_place = await broken_by_place(
        tx, policy, wish.location_id, wished, zone, lambda n: f"appointments.{n}.starts_at"
    )
    chairs = await store.lock_chairs(tx, {each.chair_id for each in wish.appointments})
    broken = [
        *await _broken_by_names(wish, patient, location, tx),
        *rules.broken_by_open_series(has_open=await store.has_open_series(tx, wish.patient_id)),
        *_broken_by_dates(wish, policy, location, tx.now),
        *by_place,
        *await _broken_by_chairs(wish, wished, chairs, tx),
    ]
    if broken or location is None:
        return refused(broken, "The series is not booked")
    series_id = new_id()
    store.add_series(
        tx,
        series_id=series_id,
        **wish.model_dump(exclude={"appointments"}),
    )
    for sequence_no, slot in enumerate(wished, start=1):
        store.add_visit(
            tx,
            appointment_id=new_id(),
            series_id=series_id,
            sequence_no=sequence_no,
            location_id=wish.location_id,
            visit_type=wish.visit_type,
            patient_id=slot.patient_id,
            chair_id=slot.chair_id,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
        )
    course = await store.find_course(tx, series_id)
    assert course is not None, "it was just added"
    _say_booked(course, tx)
    return await show_series(tx, course, location)


async def _broken_by_names(
    wish: BookSeries, patient: Patient | None, location: Location | None, tx: Transaction
) -> list[Broken]:
    prescriber = await store.find_clinician(tx, wish.prescriber_id)
    named = (
        (patient, UNKNOWN_PATIENT),
        (prescriber, unknown("clinician", "prescriber_id")),
        (location, UNKNOWN_LOCATION),
    )
    broken = [broken for found, broken in named if found is None]
    if prescriber is not None:
        broken += rules.broken_by_prescriber(wish.visit_type, prescriber.dea_number)
    return broken


def _broken_by_dates(
    wish: BookSeries, policy: Policy, location: Location | None, now: datetime
) -> list[Broken]:
    """What the calendar says; without a location there is no local day to count by."""
    if location is None:
        return []
    infusions = rules.numbered([each.starts_at for each in wish.appointments])
    zone = ZoneInfo(location.zone)
    protocol = policy.protocol_on(now.astimezone(zone).date())
    return rules.broken_by_booking(protocol, infusions, zone, now)


async def _broken_by_chairs(
    wish: BookSeries, wished: Sequence[Slot], chairs: dict[UUID, Chair], tx: Transaction
) -> list[Broken]:
    if not wished:
        return []
    taken = await store.taken_slots(
        tx,
        chairs.keys(),
        wish.patient_id,
        since=min(slot.starts_at for slot in wished),
        until=max(slot.ends_at for slot in wished),
    )
    broken: list[Broken] = []
    for n, slot in enumerate(wished):
        field = f"appointments.{n}"
        chair = chairs.get(slot.chair_id)
        broken += slots.broken_by_chair(
            None if chair is None else chair.location_id, wish.location_id, f"{field}.chair_id"
        )
        broken += slots.broken_by_taken(
            slot, [*taken, *wished[:n]], f"{field}.chair_id", f"{field}.starts_at"
        )
    return broken


def _say_booked(course: Course, tx: Transaction) -> None:
    series, visits = course.series, course.visits
    tx.publish(
        SeriesBooked(
            patient_id=series.patient_id,
            series_id=series.series_id,
            visit_type=series.visit_type,
            planned_infusions=len(visits),
            first_starts_at=visits[0].starts_at,
            last_starts_at=visits[-1].starts_at,
            booked_at=series.booked_at,
        )
    )
    for visit in visits:
        tx.publish(AppointmentBooked.model_validate(visit.model_dump()))


async def stop_series(series_id: UUID, wish: StopSeries, tx: Transaction) -> SeriesAnswer | Refused:
    """End a series early: what is still to come is cancelled, what was given stands."""
    course = await store.lock_course(tx, series_id)
    if course is None:
        return not_found(UNKNOWN_SERIES)
    broken = rules.broken_by_stopping(
        SeriesState(course.series.state),
        infusion_running=any(visit.state == VisitState.RUNNING for visit in course.visits),
    )
    if broken:
        return refused(broken, "The series is not stopped")
    await store.stop_series(tx, series_id, wish.reason)
    await _cancel_rest(course.visits, tx)
    tx.publish(
        SeriesStopped(
            patient_id=course.series.patient_id,
            series_id=series_id,
            infusions_completed=sum(visit.state in GIVEN for visit in course.visits),
            stopped_at=tx.now,
        )
    )
    return await read_series(series_id, tx)


async def _cancel_rest(visits: Sequence[Appointment], tx: Transaction) -> None:
    for visit in visits:
        if visit.state in FROM[Step.STOP]:
            cancelled = await store.change_visit(
                tx, visit, state=VisitState.CANCELLED, revision=visit.revision + 1
            )
            say_cancelled(cancelled, CancelReason.SERIES_STOPPED, tx)


def say_cancelled(visit: Appointment, reason: CancelReason, tx: Transaction) -> None:
    tx.publish(
        AppointmentCancelled(
            patient_id=visit.patient_id,
            appointment_id=visit.appointment_id,
            location_id=visit.location_id,
            starts_at=visit.starts_at,
            reason=reason,
            revision=visit.revision,
        )
    )


async def complete_series_if_done(held: HeldVisit, changed: Appointment, tx: Transaction) -> None:
    """Say that a series is done, when a change of one of its visits leaves none to come."""
    series, visits = held.course.series, held.visits_with(changed)
    given = sum(visit.state in GIVEN for visit in visits)
    left = sum(visit.state in OPEN for visit in visits)
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    protocol = protocol_of(policy, series, ZoneInfo(held.location.zone))
    if series.state != SeriesState.BOOKED or not rules.is_completed(protocol, given, left):
        return
    await store.complete_series(tx, series.series_id)
    tx.publish(
        SeriesCompleted(
            patient_id=series.patient_id,
            series_id=series.series_id,
            prescriber_id=series.prescriber_id,
            infusions_completed=given,
            completed_at=tx.now,
        )
    )


async def read_series(series_id: UUID, tx: Transaction) -> SeriesAnswer | Refused:
    course = await store.find_course(tx, series_id)
    if course is None:
        return not_found(UNKNOWN_SERIES)
    location = await store.find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    return await show_series(tx, course, location)
