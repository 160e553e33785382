"""Visits: reminders before, a notice when one is moved, the driving ban after."""

from __future__ import annotations

from services.notifications.handlers import messages
from services.notifications.handlers.claims import ask_for_location
from services.notifications.rules import AppointmentState, NotSent, needs_of
from services.notifications.store import places as stored_places
from services.notifications.store import visits as stored_visits
from services.notifications.store.messages import Draft
from services.notifications.store.visits import BookedVisit
from shared.events.notifications import Purpose
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    ChairOffered,
    DrivingBanExtended,
    PatientDischarged,
    RideConfirmed,
)
from shared.messaging import Transaction


async def plan_visit(event: AppointmentBooked, tx: Transaction) -> None:
    if await stored_visits.keep_visit(tx, event):
        await _plan(event, tx)


async def replan_visit(event: AppointmentMoved, tx: Transaction) -> None:
    """Withdraw what was planned for the old time, tell the new one, plan for it."""
    if not await stored_visits.keep_visit(tx, event):
        return
    await messages.withdraw(tx, event.appointment_id, NotSent.APPOINTMENT_MOVED)
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.APPOINTMENT_MOVED,
            subject_id=event.appointment_id,
            revision=event.revision,
            location_id=event.location_id,
            due_at=tx.now,
        ),
    )
    await _plan(event, tx)


async def _plan(event: AppointmentBooked | AppointmentMoved, tx: Transaction) -> None:
    """Plan the reminders now, or when the location's zone is known."""
    place = await stored_places.place_of(tx, event.location_id)
    if place is None:
        ask_for_location(tx, event.location_id)
        return
    visit = BookedVisit(
        event.appointment_id,
        event.patient_id,
        event.location_id,
        needs_of(event.visit_type, ride_needed=event.ride_needed, fasting_min=event.fasting_min),
        event.starts_at,
        event.revision,
    )
    await messages.plan_reminders(tx, visit, place)


async def forget_visit(event: AppointmentCancelled, tx: Transaction) -> None:
    if await stored_visits.end_visit(
        tx, event.appointment_id, AppointmentState.CANCELLED, revision=event.revision
    ):
        await messages.withdraw(tx, event.appointment_id, NotSent.APPOINTMENT_CANCELLED)


async def note_ride(event: RideConfirmed, tx: Transaction) -> None:
    """From now on reminders say that the ride is known, and no longer ask for one."""
    await stored_visits.confirm_ride(tx, event.appointment_id)


async def tell_driving_ban(event: PatientDischarged, tx: Transaction) -> None:
    """Tell until when not to drive, at once and at any hour: the patient is on the way home.

    After what is given without a driving ban there is nothing to tell.
    """
    await stored_visits.end_visit(tx, event.appointment_id, AppointmentState.DISCHARGED)
    if event.no_drive_until <= event.discharged_at:
        return
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.NO_DRIVING,
            subject_id=event.appointment_id,
            location_id=event.location_id,
            due_at=tx.now,
            until_at=event.no_drive_until,
        ),
    )


async def tell_longer_ban(event: DrivingBanExtended, tx: Transaction) -> None:
    """Tell the later hour at once, at any hour; a ban that is over by now is told to nobody."""
    if event.no_drive_until <= tx.now:
        return
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.NO_DRIVING,
            subject_id=event.extension_id,
            location_id=event.location_id,
            due_at=tx.now,
            until_at=event.no_drive_until,
        ),
    )


async def offer_chair(event: ChairOffered, tx: Transaction) -> None:
    """Tell that a time has become free, while the offer stands; others may be told the same."""
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.CHAIR_OFFERED,
            subject_id=event.offer_id,
            location_id=event.location_id,
            due_at=tx.now,
            until_at=event.expires_at,
        ),
    )
