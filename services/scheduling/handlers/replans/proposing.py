"""A change of one infusion proposes the smallest re-plan of those after it, as a diff."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.replans import (
    CancelOne,
    Change,
    MoveOne,
    ProposeReplan,
    ReplanAnswer,
)
from services.scheduling.handlers.clinic.displaced import displaced_by_visit
from services.scheduling.handlers.replans.parts import Parts, changed_in, parts_of, seen_in
from services.scheduling.handlers.replans.shown import advice_of, lines_of, show_replan
from services.scheduling.handlers.rooms import slot_of
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.series.plans import place_of, rooms_for
from services.scheduling.handlers.shown import protocol_of
from services.scheduling.handlers.visits.missed import broken_by_cancelling
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.clinic.policy import Policy, broken_by_hours, broken_by_nurses
from services.scheduling.rules.clinic.rooms import free_room, no_room
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.wishes import Preferences, broken_by_wishes
from services.scheduling.rules.replans import refusals
from services.scheduling.rules.replans import smallest as rules
from services.scheduling.rules.replans.smallest import Replan, TooMany
from services.scheduling.rules.series import course as series
from services.scheduling.rules.series import gaps
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.protocols import InfusionProtocol
from services.scheduling.rules.visits import life as visit_rules
from services.scheduling.rules.visits.life import LOST, Step, VisitState
from services.scheduling.store import Course
from services.scheduling.store import replans as kept
from services.scheduling.store.house import figure_of
from services.scheduling.store.shown_visits import chairs_by_id
from services.scheduling.tables import Appointment, Location
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def propose_replan(
    series_id: UUID, wish: ProposeReplan, tx: Transaction
) -> ReplanAnswer | Refused:
    """Find the smallest re-plan that a change needs. Nothing is changed, and nothing is held."""
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    location = await store.find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    zone = ZoneInfo(location.zone)
    policy = await store.policy_of(tx, location.location_id, course.series.visit_type)
    protocol = protocol_of(policy, course.series, zone)
    changed = changed_in(course, wish.change)
    displaced = await displaced_by_visit(tx, location)
    parts = parts_of(course, wish.change, changed, tx.now, zone, displaced)
    today = tx.now.astimezone(zone).date()
    before = [_day(each.starts_at, zone) for each in parts.fixed]
    last = max(today, rules.last_day_of(protocol, before, parts.later, parts.adding, today))
    wishes = wish.preferences.between(today, last)
    latest_named = wish.preferences.latest is not None
    broken = [
        *series.broken_by_state(SeriesState(course.series.state), "be re-planned"),
        *refusals.broken_by_unsettled(parts.unsettled),
        *broken_by_wishes(policy.planning, wishes, today, latest_named=latest_named),
        *await _broken_by_change(tx, wish.change, changed, parts, policy, protocol, location),
    ] or refusals.broken_by_nothing_to_do(len(parts.later), parts.adding)
    if broken:
        return Refused.by_rules(broken, "No re-plan is made")
    span = Preferences(today, last)
    found = await _search(
        tx, course, wish.change, changed, parts, policy, protocol, location, span, wishes
    )
    if not isinstance(found, Replan):
        return Refused.by_rules(found, "No re-plan is made")
    expires_at = tx.now + timedelta(minutes=await figure_of(tx, HouseFigure.REPLAN_MIN))
    shown = lines_of(found, course, parts, policy, protocol, zone)
    row = await kept.add_replan(
        tx,
        series_id,
        expires_at,
        change=None if wish.change is None else wish.change.model_dump(mode="json"),
        seen={
            str(key): [each.sequence_no, each.state, each.revision]
            for key, each in seen_in(course).items()
        },
        visits=[each.model_dump(mode="json") for each in shown],
        missing=found.missing,
        advice=advice_of(found, parts, protocol, zone),
    )
    return show_replan(row, course.series.patient_id)


async def _broken_by_change(
    tx: Transaction,
    change: Change | None,
    changed: Appointment | None,
    parts: Parts,
    policy: Policy,
    protocol: InfusionProtocol,
    location: Location,
) -> list[Broken]:
    """What forbids the change itself, whatever is re-planned after it."""
    if change is None:
        return []
    if changed is None:
        return [unknown("infusion of the series", "change.appointment_id")]
    state, zone = VisitState(changed.state), ZoneInfo(location.zone)
    if state in LOST:
        return visit_rules.broken_by_step(Step.MOVE, state)
    if isinstance(change, CancelOne):
        return [
            *visit_rules.broken_by_step(Step.CANCEL, state),
            *await broken_by_cancelling(tx, change.reason, changed.starts_at, zone),
        ]
    slot = _moved_to(change, changed, policy, zone)
    besides = [changed.appointment_id, *(each.appointment_id for each in parts.later)]
    field = "change.starts_at"
    place = [each.sequence_no for each in parts.fixed].index(changed.sequence_no or 0)
    return [
        *visit_rules.broken_by_step(Step.MOVE, state),
        *slots.broken_by_time(policy.planning, slot.starts_at, tx.now, field),
        *(
            replace(wrong, field=field)
            for wrong in gaps.broken_by_place(protocol, parts.fixed, place, zone)
        ),
        *await broken_by_given(
            tx,
            policy,
            protocol,
            changed.patient_id,
            [slot.starts_at],
            zone,
            lambda _: field,
            series_id=changed.series_id,
        ),
        *broken_by_hours(policy, slot.starts_at, slot.ends_at, zone, field),
        *await _broken_by_room(tx, slot, besides, policy, location),
    ]


def _moved_to(change: MoveOne, changed: Appointment, policy: Policy, zone: ZoneInfo) -> Slot:
    chair_id = change.chair_id or changed.chair_id
    assert chair_id is not None, "an infusion has its chair"
    return slot_of(policy, change.starts_at, chair_id, changed.patient_id, zone, changed.room_id)


async def _broken_by_room(
    tx: Transaction, slot: Slot, besides: list[UUID], policy: Policy, location: Location
) -> list[Broken]:
    """Whether a chair and a nurse are free as things stand. Nothing is held by looking."""
    chairs = set(await store.chairs_at(tx, location.location_id))
    chair = (await chairs_by_id(tx, {slot.chair_id})).get(slot.chair_id)
    taken = await store.taken_slots(
        tx,
        chairs,
        slot.patient_id,
        since=slot.starts_at,
        until=slot.ends_at,
        besides=besides,
    )
    beside = [(each.starts_at, each.ends_at) for each in taken if each.chair_id in chairs]
    zone, field = ZoneInfo(location.zone), "change.starts_at"
    return [
        *slots.broken_by_chair(store.chair_place(chair), location.location_id, "change.chair_id"),
        *slots.broken_by_taken(slot, taken, "change.chair_id", field),
        *await _broken_by_rooms(tx, slot, besides, policy, location),
        *broken_by_nurses(policy, slot.starts_at, slot.ends_at, beside, zone, field),
    ]


async def _broken_by_rooms(
    tx: Transaction, slot: Slot, besides: list[UUID], policy: Policy, location: Location
) -> list[Broken]:
    """Whether a room is free, where one is needed."""
    zone = ZoneInfo(location.zone)
    figures = policy.figures_on(slot.starts_at.astimezone(zone).date())
    if not figures.room_needed:
        return []
    rooms, used = await rooms_for(tx, policy, location, slot.starts_at, slot.ends_at, besides)
    if free_room(rooms, used, slot) is not None:
        return []
    return [no_room(rooms, figures.sources["room_needed"], "change.starts_at")]


async def _search(
    tx: Transaction,
    course: Course,
    change: Change | None,
    changed: Appointment | None,
    parts: Parts,
    policy: Policy,
    protocol: InfusionProtocol,
    location: Location,
    span: Preferences,
    wishes: Preferences,
) -> Replan | list[Broken]:
    """Look through the days of the span; what moves or is added goes where the wishes say."""
    zone = ZoneInfo(location.zone)
    before = [_day(each.starts_at, zone) for each in parts.fixed]
    besides = [each.appointment_id for each in parts.later]
    if change is not None:
        besides.append(change.appointment_id)
    moved = None
    if isinstance(change, MoveOne) and changed is not None:
        moved = _moved_to(change, changed, policy, zone)
    series = course.series
    place = await place_of(
        tx,
        location,
        series.visit_type,
        series.patient_id,
        span,
        besides,
        protocol=protocol,
        series_id=series.series_id,
        as_well=[] if moved is None else [moved],
    )
    usual_min = rules.usual_minute([each.starts_at for each in course.visits], zone)
    # Some tens of milliseconds of arithmetic, beside which other requests go on.
    days = await asyncio.to_thread(days_of, place, span.earliest, span.latest)
    elsewhere = place.given_elsewhere
    found = await asyncio.to_thread(
        rules.replan,
        place.policy.planning,
        protocol,
        before,
        parts.later,
        parts.adding,
        days,
        usual_min,
        elsewhere,
        None if moved is None else moved.patient_until,
        wishes,
    )
    if isinstance(found, TooMany):
        return refusals.broken_by_too_many(found.later, found.adding)
    return found or refusals.broken_by_no_replan(protocol, before, days)


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
