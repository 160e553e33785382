"""A session that a clinician leads: booked by its patient's link or by staff, moved, cancelled."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.sessions import BookSession
from services.scheduling.forms.wishes import CancelAppointment, MoveAppointment
from services.scheduling.handlers.free_starts import FreeStart
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.handlers.rooms import slot_of, with_rooms
from services.scheduling.handlers.series.ending import say_cancelled
from services.scheduling.handlers.series.given_before import given_before
from services.scheduling.handlers.shown import show_visit
from services.scheduling.handlers.told import say_visit_booked, say_visit_moved
from services.scheduling.handlers.visits.missed import broken_by_cancelling, note_missed
from services.scheduling.rules import sessions as rules
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import broken_by_hours
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.earlier import advice_on_way_in
from services.scheduling.rules.visits import life as visit_rules
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.store import change_visit, sessions, shown_visits
from services.scheduling.store.sessions import HeldSession
from services.scheduling.tables import Appointment, Location
from services.scheduling.tables.booking_links import BookingLink
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def book_session(tx: Transaction, link: BookingLink, free: FreeStart) -> Appointment | None:
    """Put a session where its leader and its patient, both held, are free; the link is used.

    None where the last room was taken meanwhile.
    """
    location = await store.find_location(tx, link.location_id)
    assert location is not None, "a link has its place"
    policy = await store.policy_of(tx, link.location_id, link.visit_type)
    slot = Slot(free.starts_at, free.ends_at, link.clinician_id, link.patient_id)
    [slot], no_room = await with_rooms(
        tx, policy, link.location_id, [slot], ZoneInfo(location.zone), lambda _: "starts_at"
    )
    if no_room:
        return None
    visit = await add_session(tx, location, link.visit_type, slot)
    await sessions.change_link(tx, link, appointment_id=visit.appointment_id)
    return visit


async def book_session_at_desk(
    patient_id: UUID, wish: BookSession, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Book a session at a time that staff chose with the patient."""
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    location = await store.keep_location(tx, wish.location_id)
    if location is None:
        return Refused.by_rules([unknown("location", "location_id")], NOT_BOOKED)
    slot, broken = await _slot(
        tx, location, wish.visit_type, wish.led_by, patient_id, wish.starts_at
    )
    if broken or slot is None:
        return Refused.by_rules(broken, NOT_BOOKED)
    session = await add_session(tx, location, wish.visit_type, slot)
    return show_visit(tx, session, await _way_in(tx, session, location))


NOT_BOOKED = "The session is not booked"


async def _way_in(tx: Transaction, session: Appointment, location: Location) -> list[str]:
    """What to arrange where a session begins before its patient may drive again."""
    given = await given_before(tx, session.patient_id, session.starts_at, drug=None, to_come=True)
    return advice_on_way_in(given, session.starts_at, ZoneInfo(location.zone))


async def _slot(
    tx: Transaction,
    location: Location,
    visit_type: str,
    led_by: UUID,
    patient_id: UUID,
    starts_at: datetime,
    moving: Appointment | None = None,
) -> tuple[Slot | None, list[Broken]]:
    """What a session would take, and what stands in its way; its leader is held from here on."""
    zone = ZoneInfo(location.zone)
    await store.keep_location(tx, location.location_id)
    policy = await store.policy_of(tx, location.location_id, visit_type)
    if not policy.visits:
        return None, [unknown("visit type", "visit_type")]
    figures = policy.figures_on(starts_at.astimezone(zone).date())
    unfit = rules.broken_by_type(
        chair_needed=figures.chair_needed,
        booked_min=figures.booked_min,
        chair_source=figures.sources["chair_needed"],
    )
    if await store.lock_clinician(tx, led_by) is None:
        unfit.append(unknown("clinician", "led_by"))
    when = slots.broken_by_time(policy.planning, starts_at, tx.now, "starts_at")
    if unfit:
        return None, [*when, *unfit]
    room_id = None if moving is None else moving.room_id
    besides = None if moving is None else moving.appointment_id
    slot = slot_of(policy, starts_at, led_by, patient_id, zone, room_id)
    taken = await store.taken_of_leader(
        tx, led_by, patient_id, since=slot.starts_at, until=slot.ends_at, besides=besides
    )
    met = slots.broken_by_taken(slot, taken, "starts_at", "starts_at")
    [slot], no_room = await with_rooms(
        tx,
        policy,
        location.location_id,
        [slot],
        zone,
        lambda _: "starts_at",
        [] if besides is None else [besides],
    )
    return slot, [
        *when,
        *broken_by_hours(policy, slot.starts_at, slot.ends_at, zone, "starts_at"),
        *(rules.as_of_leader(each) for each in met),
        *no_room,
    ]


async def add_session(
    tx: Transaction, location: Location, visit_type: str, slot: Slot
) -> Appointment:
    """Book a session and tell others. In the slot its leader stands in a chair's place."""
    appointment_id = new_id()
    tx.insert(
        Appointment,
        appointment_id=appointment_id,
        patient_id=slot.patient_id,
        location_id=location.location_id,
        led_by=slot.chair_id,
        room_id=slot.room_id,
        visit_type=visit_type,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        state=VisitState.BOOKED,
        revision=0,
    )
    visit = await shown_visits.find_visit(tx, appointment_id)
    assert visit is not None, "it was just added"
    policy = await store.policy_of(tx, location.location_id, visit_type)
    say_visit_booked(visit, policy, ZoneInfo(location.zone), tx)
    return visit


async def move_session(
    appointment_id: UUID, wish: MoveAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Give a session another time or leader, by the rules of its booking.

    Another leader at the same time concerns nobody outside, so nothing is said.
    """
    held = await sessions.lock_session(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    session = held.session
    led_by = wish.led_by or session.led_by
    assert led_by is not None, "a session has its leader"
    slot, unfit = await _slot(
        tx,
        held.location,
        session.visit_type,
        led_by,
        session.patient_id,
        wish.starts_at,
        moving=session,
    )
    broken = [
        *visit_rules.broken_by_step(Step.MOVE, VisitState(session.state)),
        *_broken_by_revision(wish.revision, held),
        *([] if wish.chair_id is None else [rules.chair_of_session()]),
        *unfit,
    ]
    if broken or slot is None:
        return Refused.by_rules(broken, "The session is not moved")
    moved = await change_visit(
        tx,
        session,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        led_by=led_by,
        room_id=slot.room_id,
        revision=session.revision + 1,
    )
    policy = await store.policy_of(tx, session.location_id, session.visit_type)
    say_visit_moved(session, moved, policy, ZoneInfo(held.location.zone), tx)
    return show_visit(tx, moved, await _way_in(tx, moved, held.location))


def _broken_by_revision(looked_at: int | None, held: HeldSession) -> list[Broken]:
    seen = held.revision_before if looked_at is None else looked_at
    return visit_rules.broken_by_revision(seen, held.session.revision)


async def cancel_session(
    appointment_id: UUID, wish: CancelAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Free a leader's time. Its link stays used: another time takes another link, or the desk."""
    held = await sessions.lock_session(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    session = held.session
    zone = await store.zone_at(tx, session.location_id)
    broken = [
        *visit_rules.broken_by_step(Step.CANCEL, VisitState(session.state)),
        *await broken_by_cancelling(tx, wish.reason, session.starts_at, zone),
        *_broken_by_revision(wish.revision, held),
    ]
    if broken:
        return Refused.by_rules(broken, "The session is not cancelled")
    cancelled = await change_visit(
        tx,
        session,
        state=visit_rules.state_when_cancelled(wish.reason),
        revision=session.revision + 1,
    )
    say_cancelled(cancelled, wish.reason, tx)
    await note_missed(tx, cancelled, wish.reason)
    return show_visit(tx, cancelled)


def is_at(session: Appointment, starts_at: datetime) -> bool:
    """Whether this is the session that was asked for, asked for again."""
    return session.starts_at == starts_at and session.state == VisitState.BOOKED
