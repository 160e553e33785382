"""What a plan costs: the fewer points, the nearer it is to what was asked and what is advised.

The weights are figures of the house (`Planning`). They only rank plans of which every one is legal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.clinic.policy import wall
from services.scheduling.rules.series.gaps import infusions_in_week
from services.scheduling.rules.series.protocols import InfusionProtocol

OUTSIDE_POINTS = 1_000_000
"""A technical bound: more than all else of a plan together, whatever the weights may be set to, so
that as few visits as can be leave the wishes."""


@dataclass(frozen=True, slots=True)
class Item:
    """One reason for points. `detail` says what was counted."""

    name: str
    points: int
    detail: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What of a visit is scored: its day, the wall clock's minute, and whether it was asked for."""

    day: date
    wall_min: int
    outside: bool = False


def time_points(planning: Planning, wall_min: int, usual_min: int) -> int:
    return -(-abs(wall_min - usual_min) // planning.plan_step_min)


def gap_points(planning: Planning, protocol: InfusionProtocol, gap_days: int) -> int:
    """A gap lengthens the course, and weighs more where it is longer than advised."""
    over = max(0, gap_days - protocol.gap_advised_days)
    return gap_days * planning.plan_course_points + over * planning.plan_long_gap_points


def crowding(protocol: InfusionProtocol, in_week: int) -> int:
    """How many infusions of a week are beyond what is advised."""
    if protocol.weekly_advised is None:
        return 0
    return max(0, in_week - protocol.weekly_advised)


def score(
    planning: Planning,
    protocol: InfusionProtocol,
    visits: Sequence[Scored],
    earliest: date,
    usual_min: int,
) -> list[Item]:
    """Every reason for points, those that a plan does not incur included."""
    days = [visit.day for visit in visits]
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    wait, course = (days[0] - earliest).days, (days[-1] - days[0]).days
    over = [gap - protocol.gap_advised_days for gap in gaps if gap > protocol.gap_advised_days]
    crowded = sum(crowding(protocol, infusions_in_week(days, place)) for place in range(len(days)))
    away = sum(abs(visit.wall_min - usual_min) for visit in visits)
    outside = sum(visit.outside for visit in visits)
    return [
        Item(
            "wait",
            wait * planning.plan_wait_points,
            f"{wait} days from {earliest} to the first infusion",
        ),
        Item(
            "course",
            course * planning.plan_course_points,
            f"{course} days from the first to the last",
        ),
        Item(
            "long_gaps",
            sum(over) * planning.plan_long_gap_points,
            f"{sum(over)} days beyond gaps of {protocol.gap_advised_days}, which are advised",
        ),
        Item(
            "crowded_weeks",
            crowded * planning.plan_crowded_week_points,
            f"{crowded} infusions beyond {protocol.weekly_advised} in a week"
            if protocol.weekly_advised is not None
            else "no advice on infusions in a week is on record",
        ),
        Item(
            "usual_time",
            sum(time_points(planning, visit.wall_min, usual_min) for visit in visits),
            f"{away} minutes in all away from {wall(usual_min)}",
        ),
        Item(
            "outside_wishes",
            outside * OUTSIDE_POINTS,
            f"{outside} visits outside the weekdays, times or dates asked for",
        ),
    ]
