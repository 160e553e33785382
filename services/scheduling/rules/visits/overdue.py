"""A patient of whom nobody said that they left: when that is told, and what to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy, at_wall, windows_of

ROUND_MIN = 15


def next_quarter(moment: datetime) -> datetime:
    """The round's next time: a patient who waits is told within a quarter of an hour."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(minutes=(moment.minute // ROUND_MIN + 1) * ROUND_MIN)


def overdue_from(
    stopped_at: datetime, recovery_min: int, overdue_min: int, closes_at: datetime | None
) -> datetime:
    """From when on a discharge is overdue: the recovery was long ago, or the place has closed.

    Who still recovers as the place closes is not overdue before the recovery ends.
    """
    recovered_at = stopped_at + timedelta(minutes=recovery_min)
    late_at = recovered_at + timedelta(minutes=overdue_min)
    return late_at if closes_at is None else min(late_at, max(recovered_at, closes_at))


def closes_at(policy: Policy, stopped_at: datetime, zone: ZoneInfo) -> datetime | None:
    """When a place closes on the day of a drip; None where no hours of the day are on record."""
    day = stopped_at.astimezone(zone).date()
    hours = policy.hours_on(day)
    windows = [] if hours is None else windows_of(hours, day)
    if not windows:
        return None
    return at_wall(day, max(each.until_min for each in windows), zone)


WHAT_TO_DO = (
    "Look for the patient. Who is there is discharged, or transferred; of who has gone a walk-out"
    " is signed, and somebody calls."
)
