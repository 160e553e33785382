"""Plans for a whole series: the best few that are legal, or why there is none and what is nearest.

A plan is legal when every visit has a chair, a watching nurse, a room where it needs one, and the
patient to itself, begins on the grid within the place's hours, and keeps the protocol's gaps and
cap with its neighbours. A plan is offered if and only if a legal one lies within the wishes, and no
legal plan has fewer points (`score`), whatever full hour it calls its usual time. The nearest plans
begin on the first date asked for at the earliest and end at the latest `BEYOND_DAYS` after the
last; none of those leaves the wishes at fewer visits, or as few for fewer points.

The further plans are there to choose from. The second has other dates than the best, at least half
of them, and none at the same usual time that has so has fewer points; the third has other dates
than both, as found. Where the dates leave no such choice, a plan at other times takes the place.

Where a driving ban can outlast the shortest gap, days follow one another by the starts that are
nearest to one usual time: what is proposed keeps the ban and is the best of those, and one that
leaves the usual time to keep the ban may be missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.planner.bans import Follows, follows_of, outlasts_gaps
from services.scheduling.rules.planner.choice import Choice, OpenDay
from services.scheduling.rules.planner.day import Start
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.differing import (
    choose,
    has_other_dates,
    has_other_times,
    most_shared,
)
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.plan import Plan, Planned
from services.scheduling.rules.planner.score import Scored, score
from services.scheduling.rules.planner.search import NOTHING_SHARED, Calendar, Shared
from services.scheduling.rules.planner.wishes import BEYOND_DAYS, Preferences
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken

HOUR_MIN = 60

_Found = tuple[float, tuple[int, ...], int]
"""The points of a plan, its days by their place in the list, and its usual time."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A date within the wishes on which no infusion can be given, and the rule that says so."""

    day: date
    why: Broken


@dataclass(frozen=True, slots=True)
class Proposal:
    """`plans` if there are any; else which rule blocks which date, and the nearest legal plans."""

    plans: tuple[Plan, ...]
    blocked: tuple[Blocked, ...] = ()
    between: tuple[Broken, ...] = ()
    nearest: tuple[Plan, ...] = ()


def plan_series(
    protocol: InfusionProtocol, count: int, wishes: Preferences, place: Place
) -> Proposal:
    """The best few plans of `count` infusions within the wishes, or why there is none."""
    days, calendar = _open(protocol, wishes, place, wishes.latest)
    plans = best_plans(place.policy.planning, protocol, count, wishes, days, calendar, strict=True)
    if plans:
        return Proposal(tuple(plans))
    return Proposal(
        (),
        tuple(Blocked(each.day.day, _why(each, wishes)) for each in days if not each.within),
        tuple(_between(protocol, count, wishes, days, calendar, place)),
        tuple(_nearest(protocol, count, wishes, place)),
    )


def _nearest(
    protocol: InfusionProtocol, count: int, wishes: Preferences, place: Place
) -> list[Plan]:
    """Plans that leave the wishes at as few visits as can be."""
    beyond = wishes.latest + timedelta(days=BEYOND_DAYS)
    days, calendar = _open(protocol, wishes, place, beyond)
    return best_plans(place.policy.planning, protocol, count, wishes, days, calendar, strict=False)


def _open(
    protocol: InfusionProtocol, wishes: Preferences, place: Place, last: date
) -> tuple[list[OpenDay], Calendar]:
    """The days that are looked through, and which of them may follow which."""
    planning, found = place.policy.planning, days_of(place, wishes.earliest, last)
    elsewhere = place.given_elsewhere
    calendar = Calendar(protocol, planning, [each.day for each in found], elsewhere=elsewhere)
    return [OpenDay(each, wishes, planning) for each in found], calendar


def usual_times(days: Sequence[Sequence[Start]], wishes: Preferences) -> list[int]:
    """The times of day that a plan may call its usual one: the full hours of the free starts."""
    walls = [start.wall_min for starts in days for start in starts]
    if not walls:
        return [wishes.from_min]
    first = -(-min(walls) // HOUR_MIN) * HOUR_MIN
    return list(range(first, max(walls) + 1, HOUR_MIN)) or [min(walls)]


def best_plans(
    planning: Planning,
    protocol: InfusionProtocol,
    count: int,
    wishes: Preferences,
    days: Sequence[OpenDay],
    calendar: Calendar,
    *,
    strict: bool,
) -> list[Plan]:
    """The plan with the fewest points, and further ones that leave something to choose."""

    def chains(usual_min: int, shared: Shared = NOTHING_SHARED) -> list[_Found]:
        chosen = [each.choose(usual_min, strict=strict) for each in days]
        costs = [each.points for each in chosen]
        follows = _follows(protocol, chosen, days)
        return [
            (
                chain.points + _wait_points(planning, days[chain.places[0]].day.day, wishes),
                chain.places,
                usual_min,
            )
            for chain in calendar.cheapest(count, lambda _: costs, follows, shared)
        ]

    def plans(found: Sequence[_Found]) -> Iterator[Plan]:
        for _, places, usual_min in sorted(found):
            yield _plan(planning, protocol, wishes, [days[place] for place in places], usual_min)

    times = usual_times([each.within for each in days], wishes)
    found = [chain for usual_min in times for chain in chains(usual_min)]
    if not found:
        return []
    _, places, usual_min = min(found)
    apart = chains(usual_min, Shared(frozenset(places), most_shared(count)))
    chosen = choose([next(plans(found))], plans(apart), has_other_dates)
    chosen = choose(chosen, plans(found), has_other_times)
    return sorted(chosen, key=lambda plan: plan.points)


def _wait_points(planning: Planning, first: date, wishes: Preferences) -> int:
    return (first - wishes.earliest).days * planning.plan_wait_points


def _follows(
    protocol: InfusionProtocol, chosen: Sequence[Choice], days: Sequence[OpenDay]
) -> Follows | None:
    """Which days the driving bans let follow which, with what was chosen on each."""
    starts = [None if each.start is None else each.start.at for each in chosen]
    return follows_of(protocol, starts, [each.day for each in days])


def _plan(
    planning: Planning,
    protocol: InfusionProtocol,
    wishes: Preferences,
    days: Sequence[OpenDay],
    usual_min: int,
) -> Plan:
    infusions = []
    for each in days:
        choice = each.choose(usual_min, strict=False)
        start = choice.start
        assert start is not None, "a chain holds only days with a start"
        chair = each.day.chair_for(start)
        infusions.append(Planned(chair, start.at, each.day.day, start.wall_min, choice.leaves))
    scored = [Scored(each.day, each.wall_min, each.leaves is not None) for each in infusions]
    items = score(planning, protocol, scored, wishes.earliest, usual_min)
    return Plan(tuple(infusions), usual_min, tuple(items))


def _why(open_: OpenDay, wishes: Preferences) -> Broken:
    """Which rule blocks a date."""
    day = open_.day
    if day.why_none is None and day.day.isoweekday() not in wishes.weekdays:
        return Broken(
            "weekday",
            f"{day.day} is a {day.day:%A}, which was not asked for.",
            "the preferences asked for",
            "preferences.weekdays",
        )
    return day.why_not([each for each in day.asked if wishes.left_by(day, each) is None])


def _between(
    protocol: InfusionProtocol,
    count: int,
    wishes: Preferences,
    days: Sequence[OpenDay],
    calendar: Calendar,
    place: Place,
) -> list[Broken]:
    """Why the dates that are free do not make a series."""
    free = [each.day.day for each in days if each.within]
    usable = [bool(each.within) for each in days]
    usual_min = usual_times([each.within for each in days], wishes)[0]
    follows = _follows(protocol, [each.choose(usual_min, strict=True) for each in days], days)
    fits = calendar.longest(usable, count, follows)
    broken = [
        Broken(
            "series_fit",
            f"At most {fits} of {count} infusions fit between {wishes.earliest} and"
            f" {wishes.latest}, on {len(free)} free dates.",
            protocol.sources["gap_min_days"],
            "preferences",
        )
    ]
    if follows is not None and fits < calendar.longest(usable, count):
        keeps_min = max(each.day.keeps_min for each in days)
        source = place.policy.figures_on(wishes.earliest).sources["no_drive_min"]
        broken.append(outlasts_gaps(keeps_min, source))
    broken += [
        Broken(
            "series_gap",
            f"After {earlier} the next free date is {later}, {gap} local days later; right would"
            f" be at most {protocol.gap_max_days}.",
            protocol.sources["gap_max_days"],
            "preferences",
        )
        for earlier, later in pairwise(free)
        if (gap := (later - earlier).days) > protocol.gap_max_days
    ]
    return broken
