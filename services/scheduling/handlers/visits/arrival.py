"""A visit up to its drip: its ride, its check-in, or the way home without an infusion."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.wishes import CheckIn, RecordRide, SendHome
from services.scheduling.handlers.series.ending import complete_series_if_done
from services.scheduling.handlers.sessions.attendance import check_in_session, end_session_early
from services.scheduling.handlers.shown import show_visit
from services.scheduling.handlers.waitlist.openings import look_after
from services.scheduling.rules.visits import life as rules
from services.scheduling.rules.visits.gates import (
    Asked,
    broken_by_answered,
    broken_by_own_driver,
    broken_by_unasked,
)
from services.scheduling.rules.visits.life import SendHomeReason, Step, VisitState
from services.scheduling.store import HeldVisit
from services.scheduling.tables import Appointment
from shared.events.scheduling import PatientCheckedIn, PatientSentHome, RideConfirmed
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def record_ride(
    appointment_id: UUID, wish: RecordRide, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note who takes the patient home, which confirms the visit: the patient means to come.

    A later word replaces an earlier one, and what was seen of the earlier one.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *rules.broken_by_step(Step.RECORD_RIDE, held.state),
        *rules.broken_by_ride(wish.mode, wish.driver_name),
        *broken_by_own_driver(wish.driver_phone, store.patient_card(tx, held.patient).phone),
    ]
    if broken:
        return Refused.by_rules(broken, "The ride is not recorded")
    driver = store.seal_driver(tx, appointment_id, wish.driver_name, wish.driver_phone)
    state = held.state
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.CONFIRMED if state is VisitState.BOOKED else state,
        ride_mode=wish.mode,
        driver=driver,
        ride_seen=None,
        ride_seen_at=None,
    )
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
    """Note that the patient is here and whether they fasted.

    Asked again, the answer is new, and a visit that was cleared is cleared anew.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return await check_in_session(appointment_id, wish, tx)
    before = held.state
    broken = [
        *rules.broken_by_step(Step.CHECK_IN, before),
        *broken_by_unasked(wish.fasted, await asked_of(tx, held)),
        *broken_by_answered(on_record=held.visit.fasted, said=wish.fasted, seen=wish.instead_of),
        *broken_by_day(held, tx.now),
    ]
    if broken:
        return Refused.by_rules(broken, "The patient is not checked in")
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.CHECKED_IN,
        fasted=wish.fasted,
        cleared_at=None,
        cleared_by=None,
    )
    if before in rules.COMING:
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
        return await end_session_early(appointment_id, wish, tx)
    broken = rules.broken_by_step(Step.SEND_HOME, held.state)
    if broken:
        return Refused.by_rules(broken, "The patient is not sent home")
    return show_visit(tx, await go_home(held, wish.reason, tx.now, tx))


async def go_home(
    held: HeldVisit, reason: SendHomeReason, gone_at: datetime, tx: Transaction, **values: object
) -> Appointment:
    """A patient who came is gone, and was not infused. Returns the visit as it is then."""
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.SENT_HOME,
        sent_home_reason=store.seal_sent_home(tx, held.visit.appointment_id, reason),
        revision=held.visit.revision + 1,
        **values,
    )
    look_after(visit, tx)
    tx.publish(PatientSentHome(sent_home_at=gone_at, **visit.model_dump()))
    await complete_series_if_done(held, visit, tx)
    return visit


def broken_by_day(held: HeldVisit, now: datetime) -> list[Broken]:
    """Whether the clinic's local day is the visit's."""
    zone = ZoneInfo(held.location.zone)
    return rules.broken_by_day(held.visit.starts_at, held.visit.ends_at, now, zone)


async def asked_of(tx: Transaction, held: HeldVisit) -> Asked:
    """What a visit's type asks for on the day on which it is booked."""
    visit = held.visit
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    figures = policy.visit_on(visit.starts_at.astimezone(ZoneInfo(held.location.zone)).date())
    assert figures is not None, "what was booked has its figures"
    return Asked(
        fasting_min=figures.fasting_min,
        ride_needed=figures.ride_needed,
        dose_needed=figures.dose_needed,
        vitals_needed=figures.vitals_needed,
        orientation_needed=figures.orientation_needed,
        sources=figures.sources,
    )
