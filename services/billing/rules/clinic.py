"""What the money of a clinic depends on, whatever is billed."""

from __future__ import annotations

from zoneinfo import ZoneInfo

CLINIC_ZONE = ZoneInfo("America/New_York")
"""Where its days and months begin. FAQ: "in Alexandria, Virginia"."""
