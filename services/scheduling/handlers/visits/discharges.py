"""The way home after a drip: the ride that was seen, and the discharge."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.visits import Discharge, SeeRide, Transfer
from services.scheduling.handlers.shown import show_visit
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.handlers.visits.monitoring import expect_no_more
from services.scheduling.handlers.visits.readings import Judged, newest_reading
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import life as rules
from services.scheduling.rules.visits.gates import (
    Recovery,
    broken_by_leaving,
    broken_by_ride_seen,
    broken_by_transfer,
)
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.rules.visits.readings import Phase
from services.scheduling.store import HeldVisit
from services.scheduling.store.doses import dose_state_of
from services.scheduling.store.house import figure_of
from services.scheduling.store.leaving import add_transfer
from services.scheduling.tables import Appointment
from shared.auth import Actor
from shared.events.scheduling import PatientDischarged
from shared.http.problems import Refused
from shared.messaging import Transaction


async def see_ride(
    appointment_id: UUID, wish: SeeRide, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note who came to take the patient home. Who asks is who saw it."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *rules.broken_by_step(Step.SEE_RIDE, held.state),
        *broken_by_ride_seen(
            wish.mode,
            wish.driver_name,
            wish.driver_phone,
            patient_phone=store.patient_card(tx, held.patient).phone,
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The ride is not verified")
    seen = store.seal_ride_seen(
        tx, appointment_id, wish.mode, wish.driver_name, wish.driver_phone, by.subject
    )
    visit = await store.change_visit(tx, held.visit, ride_seen=seen, ride_seen_at=tx.now)
    return show_visit(tx, visit)


async def discharge_patient(
    appointment_id: UUID, wish: Discharge, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Let the patient go with the ride, and say until when not to drive."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.DISCHARGE, held.state)
    judged = None if broken else await newest_reading(tx, held, Phase.AFTER)
    if not broken:
        recovery = Recovery(
            orientation_needed=held.visit.orientation_asked,
            oriented=wish.oriented,
            ride_needed=held.visit.ride_asked,
            ride_seen=held.visit.ride_seen is not None,
            vitals_needed=held.visit.vitals_asked,
            vitals=None if judged is None else judged.vitals,
            dose=await dose_state_of(tx, held.visit),
        )
        fresh_min = await figure_of(tx, HouseFigure.READING_FRESH_MIN)
        broken = broken_by_leaving(recovery, tx.now, fresh_min)
    if broken:
        return Refused.by_rules(broken, "The patient is not discharged")
    return show_visit(tx, await let_go(tx, held, judged, tx.now, oriented=wish.oriented))


async def transfer_patient(
    appointment_id: UUID, wish: Transfer, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Hand the patient over to a hospital, by the word of the clinician who does it.

    Neither limits, orientation nor a ride keep them here; the driving ban is theirs all the same.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = rules.broken_by_step(Step.TRANSFER, held.state)
    judged = None if broken else await newest_reading(tx, held, Phase.AFTER)
    if not broken:
        broken = broken_by_transfer(
            None if judged is None else judged.vitals,
            await dose_state_of(tx, held.visit),
            tx.now,
            await figure_of(tx, HouseFigure.READING_FRESH_MIN),
        )
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.TRANSFER)
    if broken or judged is None:
        return Refused.by_rules(broken, "The patient is not transferred")
    add_transfer(
        tx,
        held.visit,
        judged.reading.reading_id,
        wish.clinician_id,
        by.subject,
        place=wish.transferred_to,
        taken_over_by=wish.taken_over_by,
        reason=wish.reason,
    )
    place = store.seal_transfer(tx, appointment_id, wish.transferred_to)
    return show_visit(tx, await let_go(tx, held, judged, tx.now, transferred_to=place))


async def let_go(
    tx: Transaction,
    held: HeldVisit,
    judged: Judged | None,
    gone_at: datetime,
    state: VisitState = VisitState.DISCHARGED,
    **values: object,
) -> Appointment:
    """Fix until when the patient does not drive, and say so. Returns the visit as it is then."""
    assert held.visit.stopped_at is not None, "a drip that is over has stopped"
    policy = await store.policy_of(tx, held.visit.location_id, held.visit.visit_type)
    zone = ZoneInfo(held.location.zone)
    figures = policy.visit_on(held.visit.stopped_at.astimezone(zone).date())
    assert figures is not None, "what was given has its figures"
    aborted = held.visit.state == VisitState.ABORTED
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.ABORTED if aborted else state,
        left_on_reading_id=None if judged is None else judged.reading.reading_id,
        no_drive_until=rules.no_drive_until(held.visit.stopped_at, figures.no_drive_min),
        late_since=None,
        **values,
    )
    expect_no_more(tx, visit.appointment_id)
    tx.publish(PatientDischarged(discharged_at=gone_at, **visit.model_dump()))
    return visit
