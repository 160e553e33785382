"""What a re-plan costs, and why each of its lines is as it is, in words."""

from __future__ import annotations

from datetime import date

from services.scheduling.rules.clinic.policy import Closure
from services.scheduling.rules.planner.score import Item
from services.scheduling.rules.replans.smallest import Displaced, Fate, Replanned
from services.scheduling.rules.series.gaps import local_days, right_gap
from services.scheduling.rules.series.protocols import InfusionProtocol

QUARTER_MIN = 15
"""A technical bound: in which steps a shift is counted where re-plans are shown."""

MOVED_POINTS = 100_000

LEFT_POINTS = 100 * MOVED_POINTS


def score_replan(moved: int, shift_min: int, outside: int) -> list[Item]:
    """What a re-plan costs: visits outside the wishes weigh more than moves, moves than shifts."""
    quarters = -(-shift_min // QUARTER_MIN)
    return [
        Item(
            "outside_wishes",
            outside * LEFT_POINTS,
            f"{outside} visits go outside the weekdays, times or dates asked for",
        ),
        Item("moved", moved * MOVED_POINTS, f"{moved} visits move"),
        Item("shift", quarters, f"{shift_min} minutes in all between old and new times"),
    ]


def why_of(
    protocol: InfusionProtocol, before: date | None, visit: Replanned, closed: Closure | None = None
) -> str:
    """Why an infusion stays, moves or is added, with the day of the one before it.

    `closed` is what closes the day on which it was booked.
    """
    match visit.fate:
        case Fate.STAYS:
            return "Its time holds."
        case Fate.ADDED:
            return "It stands for one that the series lacks."
        case Fate.MOVES:
            assert visit.of is not None, "what moves was booked"
            if visit.of.displaced is not None:
                return _why_displaced(visit, visit.of.displaced, closed)
            return _why_not_at(visit.of.day, before, protocol)


def _why_not_at(day: date, before: date | None, protocol: InfusionProtocol) -> str:
    """Why what could be given on its day moves all the same."""
    gap = None if before is None else (day - before).days
    if gap is None or protocol.gap_min_days <= gap <= protocol.gap_max_days:
        return "At its old time it or one after it would break a gap or a driving ban."
    if gap <= 0:
        return f"Its old time is not after {before}, the day of the one before it."
    return (
        f"At its old time it would be {local_days(gap)} after the one before it; right would be"
        f" {right_gap(protocol)}."
    )


def _why_displaced(visit: Replanned, displaced: Displaced, closed: Closure | None) -> str:
    if closed is not None and visit.of is not None:
        return f"The place is closed on {visit.of.day}: {closed.reason}."
    if visit.keeps_time:
        return "Its chair is out of service; another one is free at its time."
    if "opening_hours" in displaced.by:
        return "Its old time is outside the hours."
    if "nurses_busy" in displaced.by:
        return "No nurse of the roster is left at its old time."
    return "Its chair is out of service, and it cannot keep its time in another one."
