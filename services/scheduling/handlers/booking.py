"""Booking: a whole series in one transaction, and one infusion in a lost one's place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.answers import AppointmentAnswer, SeriesAnswer
from services.scheduling.handlers.rooms import broken_by_chair, broken_by_place, slot_of
from services.scheduling.handlers.shown import protocol_of, show_series, show_visit, standing
from services.scheduling.rules import gaps, protocols, slots
from services.scheduling.rules import series as rules
from services.scheduling.rules.policy import Policy
from services.scheduling.rules.protocols import Infusion
from services.scheduling.rules.series import SeriesState
from services.scheduling.rules.slots import Slot
from services.scheduling.store import Course
from services.scheduling.tables import Chair, Location, Patient
from services.scheduling.wishes import BookSeries, WishedAppointment
from shared.events.scheduling import AppointmentBooked, SeriesBooked
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


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
        return Refused.by_rules(broken, "The series is not booked")
    series_id = new_id()
    store.add_series(
        tx,
        series_id=series_id,
        planned_infusions=len(wished),
        **wish.model_dump(exclude={"appointments"}),
    )
    for sequence_no, slot in enumerate(wished, start=1):
        store.add_visit(tx, slot, series_id, sequence_no, wish.location_id, wish.visit_type)
    course = await store.find_course(tx, series_id)
    assert course is not None, "it was just added"
    _say_booked(course, tx)
    return await show_series(tx, course, location)


async def _broken_by_names(
    wish: BookSeries, patient: Patient | None, location: Location | None, tx: Transaction
) -> list[Broken]:
    prescriber = await store.find_clinician(tx, wish.prescriber_id)
    named = (
        (patient, unknown("patient", "patient_id")),
        (prescriber, unknown("clinician", "prescriber_id")),
        (location, unknown("location", "location_id")),
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
    infusions = protocols.numbered([each.starts_at for each in wish.appointments])
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


async def book_missing(
    series_id: UUID, wish: WishedAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Book one infusion for one that the series lost, where the gaps allow it.

    It may stand anywhere in the series. Its number is a new one: the lost visit keeps its own.
    """
    course = await store.lock_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    series = course.series
    location = await store.find_location(tx, series.location_id)
    assert location is not None, "a series has its place"
    zone = ZoneInfo(location.zone)
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    protocol = protocol_of(policy, series, zone)
    slot = slot_of(policy, wish.starts_at, wish.chair_id, series.patient_id, zone)
    infusions = standing(course.visits)
    number = max(visit.sequence_no or 0 for visit in course.visits) + 1
    place = bisect_left([each.starts_at for each in infusions], wish.starts_at)
    with_it = [*infusions[:place], Infusion(number, wish.starts_at), *infusions[place:]]
    broken = rules.broken_by_state(SeriesState(series.state), "get another infusion") or [
        *rules.broken_by_missing(series.planned_infusions, len(infusions)),
        *slots.broken_by_time(wish.starts_at, tx.now, "starts_at"),
        *gaps.broken_by_place(protocol, with_it, place, zone),
        *await broken_by_place(tx, policy, series.location_id, [slot], zone, lambda _: "starts_at"),
        *await broken_by_chair(slot, series.location_id, tx),
    ]
    if broken:
        return Refused.by_rules(broken, "The infusion is not booked")
    store.add_visit(tx, slot, series_id, number, series.location_id, series.visit_type)
    [visit] = (each for each in await store.visits_of(tx, series_id) if each.sequence_no == number)
    tx.publish(AppointmentBooked.model_validate(visit.model_dump()))
    return show_visit(tx, visit, gaps.advice_on_series(protocol, with_it, zone))
