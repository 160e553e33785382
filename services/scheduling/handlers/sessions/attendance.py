"""The day of a session: its patient comes, and it takes place or does not."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.sessions import AttendSession
from services.scheduling.forms.wishes import CheckIn, SendHome
from services.scheduling.handlers.series.given_before import given_before
from services.scheduling.handlers.shown import show_visit
from services.scheduling.rules.series.earlier import broken_by_ban
from services.scheduling.rules.sessions import broken_by_attendance
from services.scheduling.rules.visits import life as rules
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.store import change_visit, sessions
from shared.events.scheduling import (
    ConsultCompleted,
    PatientCheckedIn,
    PatientCheckInUndone,
    PatientSentHome,
)
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import unknown


async def check_in_session(
    appointment_id: UUID, wish: CheckIn, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note that the patient has come, or has joined by web. Nothing is given: no gate follows."""
    held = await sessions.lock_session(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    session, zone = held.session, ZoneInfo(held.location.zone)
    broken = [
        *rules.broken_by_step(Step.CHECK_IN, VisitState(session.state)),
        *rules.broken_by_day(session.starts_at, session.ends_at, tx.now, zone),
    ]
    policy = await store.policy_of(tx, session.location_id, session.visit_type)
    if not policy.figures_on(tx.now.astimezone(zone).date()).begins_in_ban:
        given = await given_before(tx, session.patient_id, tx.now, drug=None)
        broken += broken_by_ban(given, tx.now, "starts_at")
    if broken:
        return Refused.by_rules(broken, "The patient is not checked in")
    here = await change_visit(tx, session, state=VisitState.CHECKED_IN, fasted=wish.fasted)
    if session.state in rules.COMING:
        tx.publish(
            PatientCheckedIn(
                patient_id=session.patient_id, appointment_id=appointment_id, checked_in_at=tx.now
            )
        )
    return show_visit(tx, here)


async def undo_session_check_in(
    appointment_id: UUID, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Take a check-in back, of the wrong patient, before the session took place."""
    held = await sessions.lock_session(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.UNDO_CHECK_IN, VisitState(held.session.state))
    if broken:
        return Refused.by_rules(broken, "The check-in stands")
    session = await change_visit(tx, held.session, state=VisitState.BOOKED, fasted=None)
    tx.publish(
        PatientCheckInUndone(
            patient_id=session.patient_id, appointment_id=appointment_id, undone_at=tx.now
        )
    )
    return show_visit(tx, session)


async def attend_session(
    appointment_id: UUID, wish: AttendSession, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Record that a session took place: who led it, when it really was, and what for."""
    held = await sessions.lock_session(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    session, zone = held.session, ZoneInfo(held.location.zone)
    broken = [
        *rules.broken_by_step(Step.ATTEND, VisitState(session.state)),
        *broken_by_attendance(wish.started_at, wish.ended_at, session.starts_at, tx.now, zone),
    ]
    if await store.find_clinician(tx, wish.clinician_id) is None:
        broken.append(unknown("clinician", "clinician_id"))
    if broken:
        return Refused.by_rules(broken, "The session is not recorded")
    attended = await change_visit(
        tx,
        session,
        state=VisitState.ATTENDED,
        clinician_id=wish.clinician_id,
        started_at=wish.started_at,
        stopped_at=wish.ended_at,
        diagnoses=store.seal_diagnoses(tx, appointment_id, wish.diagnoses),
    )
    tx.publish(ConsultCompleted(ended_at=wish.ended_at, **attended.model_dump()))
    return show_visit(tx, attended)


async def end_session_early(
    appointment_id: UUID, wish: SendHome, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Let a patient go who came to a session that does not take place; nothing is owed."""
    held = await sessions.lock_session(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.SEND_HOME, VisitState(held.session.state))
    if broken:
        return Refused.by_rules(broken, "The patient is not sent home")
    gone = await change_visit(
        tx,
        held.session,
        state=VisitState.SENT_HOME,
        sent_home_reason=store.seal_sent_home(tx, appointment_id, wish.reason),
        revision=held.session.revision + 1,
    )
    tx.publish(
        PatientSentHome(
            patient_id=gone.patient_id,
            appointment_id=appointment_id,
            location_id=gone.location_id,
            sent_home_at=tx.now,
            revision=gone.revision,
        )
    )
    return show_visit(tx, gone)
