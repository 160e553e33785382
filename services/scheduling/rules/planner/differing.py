"""What a patient would notice between two plans: other dates first of all, else other hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from services.scheduling.rules.clinic.policy import wall
from services.scheduling.rules.planner.plan import Plan, Planned

OFFERED = 3
"""A technical bound on the answer: a few plans, to choose from on the telephone."""

NOTICED_MIN = 60
"""The house's: visits of one date that begin within an hour of one another are one choice."""

Differ = Callable[[Plan, Plan], bool]


def most_shared(count: int) -> int:
    """How many dates or times two plans may share; with more there is little to choose."""
    return count // 2


def has_other_dates(one: Plan, other: Plan) -> bool:
    return _shared(one, other, lambda *_: True) <= most_shared(len(one.infusions))


def has_other_times(one: Plan, other: Plan) -> bool:
    """Whether most visits are on other dates, or an hour from those that they have in common."""
    return _shared(one, other, _is_near) <= most_shared(len(one.infusions))


def _shared(one: Plan, other: Plan, same: Callable[[Planned, Planned], bool]) -> int:
    by_day = {each.day: each for each in other.infusions}
    return sum(each.day in by_day and same(each, by_day[each.day]) for each in one.infusions)


def _is_near(one: Planned, other: Planned) -> bool:
    return abs(one.wall_min - other.wall_min) < NOTICED_MIN


def choose(chosen: Sequence[Plan], candidates: Iterable[Plan], differ: Differ) -> list[Plan]:
    """What is chosen, and of the candidates the first ones that differ from all of it."""
    plans = list(chosen)
    for plan in candidates:
        if len(plans) >= OFFERED:
            break
        if all(differ(plan, other) for other in plans):
            plans.append(plan)
    return plans


def difference(first: Plan, plan: Plan) -> str:
    """What to say of a plan beside the first that is offered."""
    own = {each.day for each in first.infusions}
    others = [each.day for each in plan.infusions if each.day not in own]
    hours = f"around {wall(plan.usual_min)} instead of {wall(first.usual_min)}"
    if not others:
        return f"The first plan's dates, {hours}."
    dates = [each.day for each in plan.infusions]
    weekdays = dict.fromkeys(f"{day:%a}" for day in sorted(dates, key=date.isoweekday))
    told = (
        f"{len(others)} of {len(dates)} dates are not the first plan's: {dates[0]} to {dates[-1]},"
        f" on {', '.join(weekdays)}"
    )
    return f"{told}." if plan.usual_min == first.usual_min else f"{told}, {hours}."
