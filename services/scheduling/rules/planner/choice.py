"""The best start of a day, for a usual time of the day."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import inf

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.planner.day import Day, Start
from services.scheduling.rules.planner.score import OUTSIDE_POINTS, time_points
from services.scheduling.rules.planner.wishes import Preferences


@dataclass(frozen=True, slots=True)
class Choice:
    """The best start of one day for one usual time."""

    points: float
    start: Start | None
    leaves: str | None = None


NONE = Choice(inf, None)


class OpenDay:
    """A day's free starts, those within the wishes and those outside."""

    def __init__(self, day: Day, wishes: Preferences, planning: Planning) -> None:
        self.day = day
        self._planning = planning
        left = [(start, wishes.left_by(day, start)) for start in day.starts]
        self.within = [start for start, leaves in left if leaves is None]
        self._outside = [(start, leaves) for start, leaves in left if leaves is not None]
        self._walls = [start.wall_min for start in self.within]

    def choose(self, usual_min: int, *, strict: bool) -> Choice:
        """The start with the fewest points; of equals the earlier one."""
        if self.within:
            place = bisect_left(self._walls, usual_min)
            near = self.within[max(place - 1, 0) : place + 1]
            points, _, start = min(
                (time_points(self._planning, each.wall_min, usual_min), n, each)
                for n, each in enumerate(near)
            )
            return Choice(points, start)
        if strict or not self._outside:
            return NONE
        points, n = min(
            (time_points(self._planning, each.wall_min, usual_min), n)
            for n, (each, _) in enumerate(self._outside)
        )
        start, leaves = self._outside[n]
        return Choice(points + OUTSIDE_POINTS, start, leaves)
