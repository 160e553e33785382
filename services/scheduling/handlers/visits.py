"""One visit: moved, cancelled, given a ride, checked in, started, completed, discharged."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.answers import (
    AppointmentAnswer,
    AppointmentSummary,
    not_found,
    refused,
)
from services.scheduling.handlers.series import say_cancelled
from services.scheduling.handlers.shown import show_visit, standing
from services.scheduling.rules import series as series_rules
from services.scheduling.rules import slots
from services.scheduling.rules import visits as rules
from services.scheduling.rules.broken import Broken, unknown
from services.scheduling.rules.series import PROTOCOLS, Infusion, SeriesState
from services.scheduling.rules.slots import Slot
from services.scheduling.rules.visits import GIVEN, OPEN, Readiness, Step, VisitState
from services.scheduling.store import HeldVisit
from services.scheduling.tables import Appointment
from services.scheduling.wishes import (
    CancelAppointment,
    CheckIn,
    MoveAppointment,
    Nothing,
    RecordRide,
    StartInfusion,
)
from shared.events.scheduling import (
    AppointmentMoved,
    InfusionCompleted,
    InfusionStarted,
    PatientCheckedIn,
    PatientDischarged,
    RideConfirmed,
    SeriesCompleted,
    VisitType,
)
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

UNKNOWN_APPOINTMENT = unknown("appointment", "appointment_id")


async def move_visit(
    appointment_id: UUID, wish: MoveAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Give a visit another time or chair, within its series' rules."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return not_found(UNKNOWN_APPOINTMENT)
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    protocol = PROTOCOLS[VisitType(visit.visit_type)]
    wished = Slot(
        wish.starts_at,
        wish.starts_at + protocol.booked_for,
        wish.chair_id or visit.chair_id,
        visit.patient_id,
    )
    infusions = _with_moved(held, wish.starts_at)
    broken = [
        *rules.broken_by_step(Step.MOVE, VisitState(visit.state)),
        *_broken_by_revision(wish.revision, held),
        *slots.broken_by_time(wish.starts_at, tx.now, "starts_at"),
        *series_rules.broken_by_moving(protocol, infusions, visit.sequence_no, zone),
        *await _broken_by_chair(wished, visit, tx),
    ]
    if broken:
        return refused(broken, "The visit is not moved")
    moved = await store.change_visit(
        tx,
        visit,
        starts_at=wished.starts_at,
        ends_at=wished.ends_at,
        chair_id=wished.chair_id,
        revision=visit.revision + 1,
    )
    tx.publish(AppointmentMoved(previous_starts_at=visit.starts_at, **moved.model_dump()))
    return show_visit(tx, moved, series_rules.advice_on_gaps(protocol, infusions, zone))


def _with_moved(held: HeldVisit, starts_at: datetime) -> list[Infusion]:
    """The series' infusions as they would be with this one moved."""
    others = [visit for visit in held.course.visits if visit is not held.visit]
    moved = Infusion(held.visit.sequence_no, starts_at)
    return sorted([*standing(others), moved], key=lambda infusion: infusion.sequence_no)


def _broken_by_revision(looked_at: int | None, held: HeldVisit) -> list[Broken]:
    """A change is decided on what the caller looked at, or on what was there as the call came."""
    seen = held.revision_before if looked_at is None else looked_at
    return rules.broken_by_revision(seen, held.visit.revision)


async def _broken_by_chair(wished: Slot, visit: Appointment, tx: Transaction) -> list[Broken]:
    chair = (await store.lock_chairs(tx, {wished.chair_id})).get(wished.chair_id)
    taken = await store.taken_slots(
        tx,
        {wished.chair_id},
        visit.patient_id,
        since=wished.starts_at,
        until=wished.ends_at,
        besides=visit.appointment_id,
    )
    return [
        *slots.broken_by_chair(
            None if chair is None else chair.location_id, visit.location_id, "chair_id"
        ),
        *slots.broken_by_taken(wished, taken, "chair_id", "starts_at"),
    ]


async def cancel_visit(
    appointment_id: UUID, wish: CancelAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Free a visit's chair. The rest of the series stands as it is booked."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return not_found(UNKNOWN_APPOINTMENT)
    visit = held.visit
    broken = [
        *rules.broken_by_step(Step.CANCEL, VisitState(visit.state)),
        *_broken_by_revision(wish.revision, held),
    ]
    if broken:
        return refused(broken, "The visit is not cancelled")
    cancelled = await store.change_visit(
        tx, visit, state=VisitState.CANCELLED, revision=visit.revision + 1
    )
    say_cancelled(cancelled, wish.reason, tx)
    await _complete_series_if_done(held, cancelled, tx)
    protocol, zone = PROTOCOLS[VisitType(visit.visit_type)], ZoneInfo(held.location.zone)
    left = standing(_visits_with(held, cancelled))
    return show_visit(tx, cancelled, series_rules.advice_on_gaps(protocol, left, zone))


async def record_ride(
    appointment_id: UUID, wish: RecordRide, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Note who takes the patient home. A later word replaces an earlier one."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return not_found(UNKNOWN_APPOINTMENT)
    broken = [
        *rules.broken_by_step(Step.RECORD_RIDE, VisitState(held.visit.state)),
        *rules.broken_by_ride(wish.mode, wish.driver_name),
    ]
    if broken:
        return refused(broken, "The ride is not recorded")
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
        return not_found(UNKNOWN_APPOINTMENT)
    before = VisitState(held.visit.state)
    broken = [
        *rules.broken_by_step(Step.CHECK_IN, before),
        *rules.broken_by_day(held.visit.starts_at, tx.now, ZoneInfo(held.location.zone)),
    ]
    if broken:
        return refused(broken, "The patient is not checked in")
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


async def start_infusion(
    appointment_id: UUID, wish: StartInfusion, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Start the drip, once every gate is open."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return not_found(UNKNOWN_APPOINTMENT)
    before = held.visit
    ready = Readiness(
        patient_held=held.course.patient.held,
        ride_recorded=before.ride_mode is not None,
        fasted=before.fasted,
    )
    broken = [
        *rules.broken_by_step(Step.START, VisitState(before.state)),
        *rules.broken_by_day(before.starts_at, tx.now, ZoneInfo(held.location.zone)),
        *rules.broken_by_gates(ready),
    ]
    if await store.find_clinician(tx, wish.clinician_id) is None:
        broken.append(unknown("clinician", "clinician_id"))
    if broken:
        return refused(broken, "The infusion does not start")
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
        return not_found(UNKNOWN_APPOINTMENT)
    broken = rules.broken_by_step(Step.COMPLETE, VisitState(held.visit.state))
    if broken:
        return refused(broken, "The infusion is not completed")
    visit = await store.change_visit(tx, held.visit, state=VisitState.COMPLETED, stopped_at=tx.now)
    tx.publish(InfusionCompleted.model_validate(visit.model_dump()))
    await _complete_series_if_done(held, visit, tx)
    return show_visit(tx, visit)


async def discharge_patient(
    appointment_id: UUID, _: Nothing, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Let the patient go with the ride, and say until when not to drive."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return not_found(UNKNOWN_APPOINTMENT)
    broken = rules.broken_by_step(Step.DISCHARGE, VisitState(held.visit.state))
    if broken:
        return refused(broken, "The patient is not discharged")
    assert held.visit.stopped_at is not None, "a completed infusion has stopped"
    until = rules.no_drive_until(held.visit.stopped_at)
    visit = await store.change_visit(
        tx, held.visit, state=VisitState.DISCHARGED, no_drive_until=until
    )
    tx.publish(PatientDischarged(discharged_at=tx.now, **visit.model_dump()))
    return show_visit(tx, visit)


def _visits_with(held: HeldVisit, changed: Appointment) -> list[Appointment]:
    """The series' visits, one of them as it is after a change."""
    return [changed if visit is held.visit else visit for visit in held.course.visits]


async def _complete_series_if_done(held: HeldVisit, changed: Appointment, tx: Transaction) -> None:
    series, visits = held.course.series, _visits_with(held, changed)
    given = sum(visit.state in GIVEN for visit in visits)
    left = sum(visit.state in OPEN for visit in visits)
    protocol = PROTOCOLS[VisitType(series.visit_type)]
    if series.state != SeriesState.BOOKED or not series_rules.is_completed(protocol, given, left):
        return
    await store.complete_series(tx, series.series_id)
    tx.publish(
        SeriesCompleted(
            patient_id=series.patient_id,
            series_id=series.series_id,
            prescriber_id=series.prescriber_id,
            infusions_completed=given,
            completed_at=tx.now,
        )
    )


async def list_visits(
    since: datetime | None,
    until: datetime | None,
    location_id: UUID | None,
    asked: Paging,
    tx: Transaction,
) -> Page[AppointmentSummary] | Refused:
    """Visits by their start, a page at a time."""

    def item(row: Row[tuple[object, ...]]) -> AppointmentSummary:
        return AppointmentSummary.model_validate(row, from_attributes=True)

    return await page(
        tx,
        store.visits_between(since, until, location_id),
        by=store.BY_START,
        asked=asked,
        item=item,
    )
