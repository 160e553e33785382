"""Booking: a whole series in one transaction, and one infusion in a lost one's place."""

from __future__ import annotations

from bisect import bisect_left
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer, SeriesAnswer
from services.scheduling.forms.wishes import BookSeries, WishedAppointment
from services.scheduling.handlers.rooms import broken_by_chair, broken_by_place, slot_of, with_rooms
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs, look_at_gaps
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.series.placing import Placing
from services.scheduling.handlers.series.whole_plans import (
    broken_by_prescriber,
    judge_plan,
    release,
)
from services.scheduling.handlers.shown import (
    count_not_lost,
    protocol_of,
    show_series,
    show_visit,
)
from services.scheduling.handlers.told import say_visit_booked
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.series import course as rules
from services.scheduling.rules.series import gaps
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.tables import Location
from shared.events.scheduling import SeriesBooked
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


async def book_series(wish: BookSeries, tx: Transaction) -> SeriesAnswer | Refused:
    """Book every infusion of a series, or none and say all that stands in the way."""
    judged = await judge_plan(
        tx, wish.patient_id, wish.location_id, wish.visit_type, wish.appointments, wish.instead_of
    )
    broken = [
        *judged.broken,
        *await broken_by_prescriber(tx, wish.prescriber_id),
    ]
    if broken or judged.location is None:
        return Refused.by_rules(broken, "The series is not booked")
    if wish.instead_of is not None:
        await release(tx, wish.instead_of)
    series_id = new_id()
    store.add_series(
        tx,
        series_id=series_id,
        planned_infusions=len(judged.wished),
        **wish.model_dump(exclude={"appointments", "instead_of"}),
    )
    for sequence_no, slot in enumerate(judged.wished, start=1):
        store.add_visit(tx, slot, series_id, sequence_no, wish.location_id, wish.visit_type)
    return await say_booked(series_id, judged.location, judged.policy, tx)


async def say_booked(
    series_id: UUID, location: Location, policy: Policy, tx: Transaction
) -> SeriesAnswer:
    """Tell others of a series that was just stored, and show it."""
    course = await store.find_course(tx, series_id)
    assert course is not None, "it was just added"
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
            zone=location.zone,
        )
    )
    look_at_free_chairs(series.location_id, tx)
    for visit in visits:
        say_visit_booked(visit, policy, ZoneInfo(location.zone), tx)
    return show_series(tx, course, location, policy)


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
    location = await store.keep_location(tx, series.location_id)
    assert location is not None, "a series has its place"
    zone = ZoneInfo(location.zone)
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    protocol = protocol_of(policy, series, zone)
    slot = slot_of(policy, wish.starts_at, wish.chair_id, series.patient_id, zone)
    number = max(visit.sequence_no or 0 for visit in course.visits) + 1
    place = bisect_left([each.starts_at for each in course.visits], wish.starts_at)
    before, after = course.visits[:place], course.visits[place:]
    placing = Placing(before, after, Infusion(number, wish.starts_at), tx.now, zone)
    state = rules.broken_by_state(SeriesState(series.state), "get another infusion")
    broken = state or [
        *rules.broken_by_missing(series.infusions, count_not_lost(course.visits)),
        *slots.broken_by_time(policy.planning, wish.starts_at, tx.now, "starts_at"),
        *placing.broken_by_gaps(protocol),
        *await broken_by_given(
            tx,
            policy,
            protocol,
            series.patient_id,
            [wish.starts_at],
            zone,
            lambda _: "starts_at",
            series_id=series_id,
        ),
        *await broken_by_place(tx, policy, series.location_id, [slot], zone, lambda _: "starts_at"),
        *await broken_by_chair(slot, series.location_id, tx),
    ]
    [slot], no_room = await with_rooms(
        tx, policy, series.location_id, [slot], zone, lambda _: "starts_at"
    )
    broken += [] if state else no_room
    if broken:
        return Refused.by_rules(broken, "The infusion is not booked")
    store.add_visit(tx, slot, series_id, number, series.location_id, series.visit_type)
    [visit] = (each for each in await store.visits_of(tx, series_id) if each.sequence_no == number)
    say_visit_booked(visit, policy, zone, tx)
    look_at_gaps(series_id, tx)
    look_at_free_chairs(series.location_id, tx)
    return show_visit(tx, visit, gaps.advice_on_series(protocol, placing.infusions, zone))
