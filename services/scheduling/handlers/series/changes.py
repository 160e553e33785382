"""A booked visit is moved or cancelled, within its series' rules."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.wishes import CancelAppointment, MoveAppointment
from services.scheduling.handlers.rooms import broken_by_chair, broken_by_place, slot_of, with_rooms
from services.scheduling.handlers.series.ending import complete_series_if_done, say_cancelled
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.series.moving import move_to
from services.scheduling.handlers.series.placing import Placing
from services.scheduling.handlers.sessions.booking import cancel_session, move_session
from services.scheduling.handlers.shown import protocol_of, show_visit, standing
from services.scheduling.handlers.visits.missed import broken_by_cancelling, note_missed
from services.scheduling.handlers.visits.treatments import move_treatment
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.series import gaps
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.sessions import leader_of_infusion
from services.scheduling.rules.visits import life as rules
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.store import Course, HeldVisit
from services.scheduling.tables import Appointment
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def move_visit(
    appointment_id: UUID, wish: MoveAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Give a visit another time or chair, within its series' rules.

    A ride is for a time: it is asked for anew when the time changes. Another chair at the same
    time concerns nobody outside, so nothing is said.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return await move_session(appointment_id, wish, tx)
    if held.course is None:
        return await move_treatment(held, wish, tx)
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    await store.keep_location(tx, visit.location_id)
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    protocol = protocol_of(policy, held.course.series, zone)
    chair_id = wish.chair_id or visit.chair_id
    assert chair_id is not None, "an infusion has its chair"
    wished = slot_of(policy, wish.starts_at, chair_id, visit.patient_id, zone, visit.room_id)
    placing = _placing(held.visit, held.course, wish.starts_at, tx.now, zone)
    broken = [
        *rules.broken_by_step(Step.MOVE, VisitState(visit.state)),
        *_broken_by_revision(wish.revision, held),
        *slots.broken_by_time(policy.planning, wish.starts_at, tx.now, "starts_at"),
        *([] if wish.led_by is None else [leader_of_infusion()]),
        *placing.broken_by_gaps(protocol),
        *await broken_by_given(
            tx,
            policy,
            protocol,
            visit.patient_id,
            [wish.starts_at],
            zone,
            lambda _: "starts_at",
            series_id=visit.series_id,
        ),
        *await broken_by_place(
            tx,
            policy,
            visit.location_id,
            [wished],
            zone,
            lambda _: "starts_at",
            besides=[appointment_id],
        ),
        *await broken_by_chair(wished, visit.location_id, tx, besides=[appointment_id]),
    ]
    [wished], no_room = await with_rooms(
        tx, policy, visit.location_id, [wished], zone, lambda _: "starts_at", [appointment_id]
    )
    broken += no_room
    if broken:
        return Refused.by_rules(broken, "The visit is not moved")
    moved = await move_to(visit, wished, policy, zone, tx)
    return show_visit(tx, moved, gaps.advice_on_series(protocol, placing.infusions, zone))


def _placing(
    moving: Appointment, course: Course, starts_at: datetime, now: datetime, zone: ZoneInfo
) -> Placing:
    """The moved infusion between the others of its series, whose order it keeps."""
    visits = course.visits
    here = next(n for n, visit in enumerate(visits) if visit is moving)
    assert moving.sequence_no is not None, "an infusion has its place"
    moved = Infusion(moving.sequence_no, starts_at)
    return Placing(visits[:here], visits[here + 1 :], moved, now, zone)


def _broken_by_revision(looked_at: int | None, held: HeldVisit) -> list[Broken]:
    """A change is decided on what the caller looked at, or on what was there as the call came."""
    seen = held.revision_before if looked_at is None else looked_at
    return rules.broken_by_revision(seen, held.visit.revision)


async def cancel_visit(
    appointment_id: UUID, wish: CancelAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Free a visit's chair. The rest of the series stands as it is booked."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return await cancel_session(appointment_id, wish, tx)
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    broken = [
        *rules.broken_by_step(Step.CANCEL, VisitState(visit.state)),
        *await broken_by_cancelling(tx, wish.reason, visit.starts_at, zone),
        *_broken_by_revision(wish.revision, held),
    ]
    if broken:
        return Refused.by_rules(broken, "The visit is not cancelled")
    cancelled = await store.change_visit(
        tx, visit, state=rules.state_when_cancelled(wish.reason), revision=visit.revision + 1
    )
    say_cancelled(cancelled, wish.reason, tx)
    await note_missed(tx, cancelled, wish.reason)
    if held.course is None:
        return show_visit(tx, cancelled)
    await complete_series_if_done(held, cancelled, tx)
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    protocol = protocol_of(policy, held.course.series, zone)
    left = standing(held.visits_with(cancelled), tx.now, zone)
    return show_visit(tx, cancelled, gaps.advice_on_series(protocol, left, zone))
