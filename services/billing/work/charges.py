"""Charging what could not be charged at once."""

from __future__ import annotations

from shared.messaging import Work


class ChargeLate(Work):
    """Charge the infusions and sessions that took place before their fee was recorded."""

    visit_type: str
