"""The published language. One module per producing service; this is the contract."""

from __future__ import annotations

from shared.events import billing, notifications, pharmacy, scheduling
from shared.events.base import REGISTRY, Event, Moment, PatientEvent

__all__ = [
    "REGISTRY",
    "Event",
    "Moment",
    "PatientEvent",
    "billing",
    "notifications",
    "pharmacy",
    "scheduling",
]
