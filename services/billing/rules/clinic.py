"""What the money of a clinic depends on, whatever is billed."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

CLINIC_ZONE = ZoneInfo("America/New_York")
"""Where its days and months begin. FAQ: "in Alexandria, Virginia"."""


def clinic_day(at: datetime) -> date:
    """The clinic's own day of a moment."""
    return at.astimezone(CLINIC_ZONE).date()
