"""Stripe's working days: Monday to Friday, from midnight to midnight UTC. No holidays here."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

_SATURDAY = 5


def working_midnight(after: datetime, days: int) -> datetime:
    """The midnight that begins the `days`-th working day after a moment's own day."""
    day = after.astimezone(UTC).date()
    left = days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return datetime.combine(day, time(), UTC)
