"""A session that a clinician leads: booked by its patient's link, cancelled by staff."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.scheduling.answers import AppointmentAnswer
from services.scheduling.booking_link_tables import BookingLink
from services.scheduling.handlers.free_starts import FreeStart
from services.scheduling.handlers.series import say_cancelled
from services.scheduling.handlers.shown import show_visit
from services.scheduling.rules import visits as rules
from services.scheduling.rules.visits import Step, VisitState
from services.scheduling.store import change_visit, sessions, shown_visits
from services.scheduling.tables import Appointment
from services.scheduling.wishes import CancelAppointment
from shared.events.scheduling import AppointmentBooked, VisitType
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


async def book_session(tx: Transaction, link: BookingLink, free: FreeStart) -> Appointment:
    """Put a session where its leader and its patient, both held, are free; the link is used."""
    appointment_id = new_id()
    tx.insert(
        Appointment,
        appointment_id=appointment_id,
        patient_id=link.patient_id,
        location_id=link.location_id,
        led_by=link.clinician_id,
        visit_type=VisitType(link.visit_type),
        starts_at=free.starts_at,
        ends_at=free.ends_at,
        state=VisitState.BOOKED,
        revision=0,
    )
    await sessions.change_link(tx, link, appointment_id=appointment_id)
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
        *rules.broken_by_cancelling(wish.reason, session.starts_at, tx.now),
        *rules.broken_by_revision(seen, session.revision),
    ]
    if broken:
        return Refused.by_rules(broken, "The session is not cancelled")
    cancelled = await change_visit(
        tx, session, state=rules.state_when_cancelled(wish.reason), revision=session.revision + 1
    )
    say_cancelled(cancelled, wish.reason, tx)
    return show_visit(tx, cancelled)


def is_at(session: Appointment, starts_at: datetime) -> bool:
    """Whether this is the session that was asked for, asked for again."""
    return session.starts_at == starts_at and session.state == VisitState.BOOKED
