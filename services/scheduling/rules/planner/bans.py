"""Driving bans between the infusions of one plan: the next does not begin while one lasts.

What is booked already keeps its ban as minutes that the patient has not (`planner/days.py`). What
is only planned keeps it from its neighbour in the plan, by the starts that both would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from services.scheduling.rules.clinic.policy import DAY_MIN
from services.scheduling.rules.planner.day import Day
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken

CLOCK_CHANGE_MIN = 60

Moments = Sequence[datetime | None]
"""When a visit would begin on each day, by the day's place in the list; None where it cannot."""

Follows = Callable[[int, int], bool]
"""Whether a visit on the one day may be followed by one on the other, by their places."""


def bans_matter(protocol: InfusionProtocol, days: Sequence[Day]) -> bool:
    """Whether a ban can outlast the shortest gap: from late on one day to early on the other."""
    shortest_min = (protocol.gap_min_days - 1) * DAY_MIN - CLOCK_CHANGE_MIN
    return any(day.keeps_min > shortest_min for day in days)


def kept_until(begins_at: datetime, day: Day) -> datetime:
    """From when on the patient of a visit may begin another."""
    return begins_at + timedelta(minutes=day.keeps_min)


def follows_of(protocol: InfusionProtocol, starts: Moments, days: Sequence[Day]) -> Follows | None:
    """Which days may follow which with these starts; None where no ban forbids any."""
    if not bans_matter(protocol, days):
        return None

    def follows(one: int, other: int) -> bool:
        begins_at, then = starts[one], starts[other]
        if begins_at is None or then is None:
            return False
        return kept_until(begins_at, days[one]) <= then

    return follows


def outlasts_gaps(keeps_min: int, source: str) -> Broken:
    return Broken(
        "driving_ban",
        f"With its driving ban an infusion keeps the patient for {-(-keeps_min // 60)} hours, which"
        " leaves fewer dates for the next.",
        source,
        "preferences",
    )
