"""A session that a clinician leads: booked by its patient's link, cancelled by staff."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.wishes import CancelAppointment
from services.scheduling.handlers.free_starts import FreeStart
from services.scheduling.handlers.missed import broken_by_cancelling, note_missed
from services.scheduling.handlers.series import say_cancelled
from services.scheduling.handlers.shown import show_visit
from services.scheduling.rules import visits as rules
from services.scheduling.rules.slots import Slot
from services.scheduling.rules.visits import Step, VisitState
from services.scheduling.store import change_visit, sessions, shown_visits
from services.scheduling.tables import Appointment
from services.scheduling.tables.booking_links import BookingLink
from shared.events.scheduling import AppointmentBooked, VisitType
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


async def book_session(tx: Transaction, link: BookingLink, free: FreeStart) -> Appointment:
    """Put a session where its leader and its patient, both held, are free; the link is used."""
    slot = Slot(free.starts_at, free.ends_at, link.clinician_id, link.patient_id)
    visit = await add_session(tx, link.location_id, link.visit_type, slot)
    await sessions.change_link(tx, link, appointment_id=visit.appointment_id)
    return visit


async def add_session(
    tx: Transaction, location_id: UUID, visit_type: str, slot: Slot
) -> Appointment:
    """Book a session and tell others. In the slot its leader stands in a chair's place."""
    appointment_id = new_id()
    tx.insert(
        Appointment,
        appointment_id=appointment_id,
        patient_id=slot.patient_id,
        location_id=location_id,
        led_by=slot.chair_id,
        visit_type=VisitType(visit_type),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        state=VisitState.BOOKED,
        revision=0,
    )
    visit = await shown_visits.find_visit(tx, appointment_id)
    assert visit is not None, "it was just added"
    tx.publish(AppointmentBooked.model_validate(visit.model_dump()))
    return visit


async def cancel_session(
    appointment_id: UUID, wish: CancelAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Free a leader's time. Its link stays used: another time takes another link."""
    session = await sessions.lock_session(tx, appointment_id)
    if session is None:
        return Refused.not_found("appointment", "appointment_id")
    seen = session.revision if wish.revision is None else wish.revision
    broken = [
        *rules.broken_by_step(Step.CANCEL, VisitState(session.state)),
        *await broken_by_cancelling(tx, wish.reason, session.starts_at),
        *rules.broken_by_revision(seen, session.revision),
    ]
    if broken:
        return Refused.by_rules(broken, "The session is not cancelled")
    cancelled = await change_visit(
        tx, session, state=rules.state_when_cancelled(wish.reason), revision=session.revision + 1
    )
    say_cancelled(cancelled, wish.reason, tx)
    await note_missed(tx, cancelled, wish.reason)
    return show_visit(tx, cancelled)


def is_at(session: Appointment, starts_at: datetime) -> bool:
    """Whether this is the session that was asked for, asked for again."""
    return session.starts_at == starts_at and session.state == VisitState.BOOKED
