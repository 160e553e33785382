"""Honest mistakes at the desk, taken back while nothing has followed from them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.wishes import Nothing
from services.scheduling.handlers.rooms import broken_by_chair, broken_by_place, slot_of, with_rooms
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs, look_at_gaps
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.series.placing import Placing
from services.scheduling.handlers.sessions.attendance import undo_session_check_in
from services.scheduling.handlers.shown import count_not_lost, protocol_of, show_visit
from services.scheduling.handlers.told import say_visit_booked
from services.scheduling.handlers.visits.arrival import broken_by_day
from services.scheduling.handlers.visits.drug_gaps import broken_by_gap
from services.scheduling.handlers.visits.missed import forget_missed
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.patients.merging import broken_by_closed
from services.scheduling.rules.series import course as series_rules
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.visits import life as rules
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.store import HeldVisit
from services.scheduling.store import charts as kept
from services.scheduling.tables import Appointment
from shared.events.scheduling import (
    PatientCheckInUndone,
    RideConfirmed,
    RideMode,
)
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def undo_check_in(
    appointment_id: UUID, _: Nothing, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Take a check-in back, of the wrong patient, before anything is on the chart."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return await undo_session_check_in(appointment_id, tx)
    begun = bool(
        await kept.readings_of(tx, appointment_id) or await kept.notes_of(tx, appointment_id)
    )
    broken = [
        *rules.broken_by_step(Step.UNDO_CHECK_IN, held.state),
        *rules.broken_by_chart(begun=begun),
    ]
    if broken:
        return Refused.by_rules(broken, "The check-in stands")
    visit = await store.change_visit(tx, held.visit, state=_to_come(held.visit), fasted=None)
    tx.publish(
        PatientCheckInUndone(
            patient_id=visit.patient_id, appointment_id=appointment_id, undone_at=tx.now
        )
    )
    return show_visit(tx, visit)


async def undo_no_show(
    appointment_id: UUID, _: Nothing, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Take a no-show back on its own day: the patient is there, and so is the place still.

    It counts as missed no longer. Whoever heard that it is off hears that it is on.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *rules.broken_by_step(Step.UNDO_NO_SHOW, held.state),
        *broken_by_closed(held.patient.merged_into),
        *broken_by_day(held, tx.now),
    ]
    location = await store.keep_location(tx, held.visit.location_id)
    if broken or location is None:
        return Refused.by_rules(broken, "The no-show stands")
    zone = ZoneInfo(location.zone)
    policy = await store.policy_of(tx, held.visit.location_id, held.visit.visit_type)
    slot, broken = await _place_of(tx, held, policy, zone)
    broken += _broken_by_series(held, policy, zone, tx.now)
    broken += await _broken_by_given(tx, held, slot, policy, zone)
    if broken:
        return Refused.by_rules(broken, "The no-show stands")
    visit = await store.change_visit(
        tx,
        held.visit,
        state=_to_come(held.visit),
        room_id=slot.room_id,
        revision=held.visit.revision + 1,
    )
    await forget_missed(tx, appointment_id)
    say_visit_booked(visit, policy, zone, tx)
    if visit.ride_mode is not None:
        tx.publish(
            RideConfirmed(
                patient_id=visit.patient_id,
                appointment_id=appointment_id,
                mode=RideMode(visit.ride_mode),
                confirmed_at=tx.now,
            )
        )
    if visit.series_id is not None:
        look_at_gaps(visit.series_id, tx)
    look_at_free_chairs(visit.location_id, tx)
    return show_visit(tx, visit)


def _to_come(visit: Appointment) -> VisitState:
    return VisitState.BOOKED if visit.ride_mode is None else VisitState.CONFIRMED


async def _place_of(
    tx: Transaction, held: HeldVisit, policy: Policy, zone: ZoneInfo
) -> tuple[Slot, list[Broken]]:
    """The time, chair and room that the visit had, and what others have of them since."""
    visit = held.visit
    assert visit.chair_id is not None, "what is given has its chair"
    had = slot_of(policy, visit.starts_at, visit.chair_id, visit.patient_id, zone)
    place = (policy, visit.location_id, [had], zone, lambda _: "starts_at")
    broken = [
        *await broken_by_place(tx, *place),
        *await broken_by_chair(had, visit.location_id, tx),
    ]
    [slot], no_room = await with_rooms(tx, *place, [visit.appointment_id])
    return slot, [*broken, *no_room]


def _broken_by_series(
    held: HeldVisit, policy: Policy, zone: ZoneInfo, now: datetime
) -> list[Broken]:
    """What was decided of its series since, on the word that the patient did not come."""
    if held.course is None:
        return []
    series, visits = held.course.series, held.course.visits
    return [
        *series_rules.broken_by_state(SeriesState(series.state), "get an infusion back"),
        *series_rules.broken_by_missing(series.infusions, count_not_lost(visits)),
        *_placing(held.visit, visits, now, zone).broken_by_gaps(protocol_of(policy, series, zone)),
    ]


async def _broken_by_given(
    tx: Transaction, held: HeldVisit, slot: Slot, policy: Policy, zone: ZoneInfo
) -> list[Broken]:
    """What of the same drug was booked beside it since, outside its series."""
    visit = held.visit
    if held.course is None:
        return await broken_by_gap(tx, visit, slot, policy, zone, to_come=True)
    return await broken_by_given(
        tx,
        policy,
        protocol_of(policy, held.course.series, zone),
        visit.patient_id,
        [visit.starts_at],
        zone,
        lambda _: "starts_at",
        series_id=visit.series_id,
    )


def _placing(
    visit: Appointment, visits: list[Appointment], now: datetime, zone: ZoneInfo
) -> Placing:
    assert visit.sequence_no is not None, "an infusion has its place"
    others = [each for each in visits if each.appointment_id != visit.appointment_id]
    return Placing(
        [each for each in others if each.starts_at < visit.starts_at],
        [each for each in others if each.starts_at >= visit.starts_at],
        Infusion(visit.sequence_no, visit.starts_at),
        now,
        zone,
    )
