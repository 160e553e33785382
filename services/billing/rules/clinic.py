"""What the money of a clinic depends on, whatever is billed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CLINIC_ZONE = ZoneInfo("America/New_York")
"""Where its days and months begin. FAQ: "in Alexandria, Virginia"."""


def zone_of(name: str | None) -> ZoneInfo:
    """The zone of a location, as scheduling tells it; the clinic's own where it is not told."""
    return CLINIC_ZONE if name is None else ZoneInfo(name)


def clinic_day(at: datetime) -> date:
    """The clinic's own day of a moment."""
    return at.astimezone(CLINIC_ZONE).date()


def next_at(wall: time, now: datetime) -> datetime:
    """When the clinic's wall shows a time next, in the zone of `now`."""
    today = clinic_day(now)
    for day in (today, today + timedelta(days=1)):
        at = datetime.combine(day, wall, CLINIC_ZONE).astimezone(now.tzinfo)
        if at > now:
            return at
    raise AssertionError("tomorrow's is past")
