"""A plan for a whole series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.scheduling.rules.planner.score import Item


@dataclass(frozen=True, slots=True)
class Planned:
    """One infusion of a plan. `leaves` is what of the wishes it does not keep."""

    chair_id: UUID
    starts_at: datetime
    day: date
    wall_min: int
    leaves: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole series, first to last, and what its points are for."""

    infusions: tuple[Planned, ...]
    usual_min: int
    items: tuple[Item, ...]

    @property
    def points(self) -> int:
        return sum(item.points for item in self.items)
