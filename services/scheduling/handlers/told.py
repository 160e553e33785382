"""What others are told of a visit's time, with what it asks of its patient."""

from __future__ import annotations

from typing import TypedDict
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.tables import Appointment
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


def _needs(visit: Appointment, policy: Policy, zone: ZoneInfo) -> _Needs:
    figures = policy.figures_on(visit.starts_at.astimezone(zone).date())
    return {"ride_needed": figures.ride_needed, "fasting_min": figures.fasting_min}
