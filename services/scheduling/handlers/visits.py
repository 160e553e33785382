"""The day of a visit: its ride, check-in, start, end, discharge."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.answers import AppointmentAnswer
from services.scheduling.handlers.gap_risks import look_at_gaps
from services.scheduling.handlers.openings import look_after
from services.scheduling.handlers.series import complete_series_if_done
from services.scheduling.handlers.shown import show_visit
from services.scheduling.rules import visits as rules
from services.scheduling.rules.visits import Readiness, Step, VisitState
from services.scheduling.store import HeldVisit
from services.scheduling.wishes import CheckIn, Nothing, RecordRide, SendHome, StartInfusion
from shared.events.scheduling import (
    InfusionCompleted,
    InfusionStarted,
    PatientCheckedIn,
    PatientDischarged,
    PatientSentHome,
    RideConfirmed,
)
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def record_ride(
    appointment_id: UUID, wish: RecordRide, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note who takes the patient home. A later word replaces an earlier one."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *rules.broken_by_step(Step.RECORD_RIDE, VisitState(held.visit.state)),
        *rules.broken_by_ride(wish.mode, wish.driver_name),
    ]
    if broken:
        return Refused.by_rules(broken, "The ride is not recorded")
    driver = store.seal_driver(tx, appointment_id, wish.driver_name, wish.driver_phone)
    visit = await store.change_visit(tx, held.visit, ride_mode=wish.mode, driver=driver)
    tx.publish(
        RideConfirmed(
            patient_id=visit.patient_id,
            appointment_id=appointment_id,
            mode=wish.mode,
            confirmed_at=tx.now,
        )
    )
    return show_visit(tx, visit)


async def check_in(
    appointment_id: UUID, wish: CheckIn, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note that the patient is here and whether they fasted. Asked again, the answer is new."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    before = VisitState(held.visit.state)
    broken = [
        *rules.broken_by_step(Step.CHECK_IN, before),
        *_broken_by_day(held, tx.now),
    ]
    if broken:
        return Refused.by_rules(broken, "The patient is not checked in")
    visit = await store.change_visit(
        tx, held.visit, state=VisitState.CHECKED_IN, fasted=wish.fasted
    )
    if before is VisitState.BOOKED:
        tx.publish(
            PatientCheckedIn(
                patient_id=visit.patient_id,
                appointment_id=appointment_id,
                checked_in_at=tx.now,
            )
        )
    return show_visit(tx, visit)


async def send_home(
    appointment_id: UUID, wish: SendHome, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Let a patient go who came and is not infused: the chair is free, and nothing is owed."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.SEND_HOME, VisitState(held.visit.state))
    if broken:
        return Refused.by_rules(broken, "The patient is not sent home")
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.SENT_HOME,
        sent_home_reason=store.seal_sent_home(tx, appointment_id, wish.reason),
        revision=held.visit.revision + 1,
    )
    look_after(visit, tx)
    tx.publish(
        PatientSentHome(
            patient_id=visit.patient_id,
            appointment_id=appointment_id,
            location_id=visit.location_id,
            sent_home_at=tx.now,
            revision=visit.revision,
        )
    )
    await complete_series_if_done(held, visit, tx)
    return show_visit(tx, visit)


def _broken_by_day(held: HeldVisit, now: datetime) -> list[Broken]:
    zone = ZoneInfo(held.location.zone)
    return rules.broken_by_day(held.visit.starts_at, held.visit.ends_at, now, zone)


async def start_infusion(
    appointment_id: UUID, wish: StartInfusion, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Start the drip, once every gate is open."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    before = held.visit
    ready = Readiness(
        patient_held=held.course.patient.held,
        ride_recorded=before.ride_mode is not None,
        fasted=before.fasted,
    )
    broken = [
        *rules.broken_by_step(Step.START, VisitState(before.state)),
        *_broken_by_day(held, tx.now),
        *rules.broken_by_gates(ready),
    ]
    if await store.find_clinician(tx, wish.clinician_id) is None:
        broken.append(unknown("clinician", "clinician_id"))
    if broken:
        return Refused.by_rules(broken, "The infusion does not start")
    infusion_id = new_id()
    visit = await store.change_visit(
        tx,
        before,
        state=VisitState.RUNNING,
        infusion_id=infusion_id,
        clinician_id=wish.clinician_id,
        started_at=tx.now,
    )
    tx.publish(
        InfusionStarted(
            patient_id=visit.patient_id,
            infusion_id=infusion_id,
            appointment_id=appointment_id,
            location_id=visit.location_id,
            started_at=tx.now,
        )
    )
    return show_visit(tx, visit)


async def complete_infusion(
    appointment_id: UUID, _: Nothing, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Stop the drip. The last infusion completes its series."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.COMPLETE, VisitState(held.visit.state))
    if broken:
        return Refused.by_rules(broken, "The infusion is not completed")
    visit = await store.change_visit(tx, held.visit, state=VisitState.COMPLETED, stopped_at=tx.now)
    tx.publish(InfusionCompleted.model_validate(visit.model_dump()))
    await complete_series_if_done(held, visit, tx)
    look_at_gaps(held.course.series.series_id, tx)
    return show_visit(tx, visit)


async def discharge_patient(
    appointment_id: UUID, _: Nothing, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Let the patient go with the ride, and say until when not to drive."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.DISCHARGE, VisitState(held.visit.state))
    if broken:
        return Refused.by_rules(broken, "The patient is not discharged")
    assert held.visit.stopped_at is not None, "a completed infusion has stopped"
    policy = await store.policy_of(tx, held.visit.location_id, held.visit.visit_type)
    zone = ZoneInfo(held.location.zone)
    figures = policy.visit_on(held.visit.stopped_at.astimezone(zone).date())
    assert figures is not None, "what was given has its figures"
    until = rules.no_drive_until(held.visit.stopped_at, figures.no_drive_min)
    visit = await store.change_visit(
        tx, held.visit, state=VisitState.DISCHARGED, no_drive_until=until
    )
    tx.publish(PatientDischarged(discharged_at=tx.now, **visit.model_dump()))
    return show_visit(tx, visit)
