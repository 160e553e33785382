"""What others are told of a visit's time, with what it asks of its patient.

What the patient waits for is looked at then: they may need it no more.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.tables import Appointment
from services.scheduling.work import LookAtWishes
from shared.events.scheduling import AppointmentBooked, AppointmentMoved
from shared.messaging import Transaction


class _Needs(TypedDict):
    ride_needed: bool
    fasting_min: int


def say_visit_booked(visit: Appointment, policy: Policy, zone: ZoneInfo, tx: Transaction) -> None:
    tx.publish(
        AppointmentBooked(
            **visit.model_dump(),
            **_needs(visit, policy, zone),
            in_chair=visit.chair_id is not None,
            booked_at=tx.now,
            zone=zone.key,
        )
    )
    if visit.ordered_by is None:
        look_at_wishes(visit.patient_id, tx)
    else:
        tx.do(LookAtWishes(patient_id=visit.patient_id, at=tx.now, booked=visit.appointment_id))


def say_visit_moved(
    before: Appointment, moved: Appointment, policy: Policy, zone: ZoneInfo, tx: Transaction
) -> None:
    """Said only of another time: another chair or leader concerns nobody outside."""
    if (moved.starts_at, moved.ends_at) == (before.starts_at, before.ends_at):
        return
    tx.publish(
        AppointmentMoved(
            previous_starts_at=before.starts_at,
            **moved.model_dump(),
            **_needs(moved, policy, zone),
        )
    )
    tx.do(LookAtWishes(patient_id=moved.patient_id, at=tx.now, moved=moved.appointment_id))


def look_at_wishes(patient_id: UUID, tx: Transaction) -> None:
    """Have the chairs looked at that a patient is offered, because their visits changed."""
    tx.do(LookAtWishes(patient_id=patient_id, at=tx.now), key=f"wishes/{patient_id}")


def _needs(visit: Appointment, policy: Policy, zone: ZoneInfo) -> _Needs:
    figures = policy.figures_on(visit.starts_at.astimezone(zone).date())
    return {"ride_needed": figures.ride_needed, "fasting_min": figures.fasting_min}
