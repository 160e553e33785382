"""Plans for a whole series: the best few that are legal, or why there is none and what is nearest.

A plan is legal when every visit has a chair, a watching nurse and the patient to itself, lies
within the place's hours, and keeps the protocol's gaps and cap with its neighbours. Among legal
plans the one with the fewest points wins (`planner_score`), and no legal plan has fewer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import inf
from uuid import UUID

from services.scheduling.rules.planner_days import Day, Place, Start, days_of
from services.scheduling.rules.planner_score import (
    OUTSIDE_POINTS,
    WAIT_POINTS,
    Item,
    Scored,
    score,
    time_points,
)
from services.scheduling.rules.planner_search import Calendar
from services.scheduling.rules.policy import DAY_MIN, wall
from services.scheduling.rules.protocols import InfusionProtocol
from services.scheduling.rules.series import broken_by_size
from services.scheduling.rules.slots import BOOKABLE_AHEAD
from shared.refusals import Broken

OFFERED = 3
"""How many plans are offered at most: a few to choose from on the telephone."""

USUAL_SPAN_DAYS = 30

SPAN_DAYS_MAX = 120
"""The house's limit on the dates of one question: five times the longest advised course."""

BEYOND_DAYS = 21
"""How far after the last date asked for the nearest legal plan may end: one more course."""

HOUR_MIN = 60
EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Preferences:
    """When the patient can come. A visit begins and ends between the two times of the day."""

    earliest: date
    latest: date
    weekdays: frozenset[int] = EVERY_DAY
    from_min: int = 0
    until_min: int = DAY_MIN

    def span(self) -> tuple[date, date]:
        """The days that a search looks at: from the first up to and without the last."""
        return self.earliest, self.latest + timedelta(days=BEYOND_DAYS + 1)

    def left_by(self, day: Day, start: Start) -> str | None:
        """What of the wishes a visit would leave, or None."""
        left = []
        if day.day > self.latest:
            left.append(f"after {self.latest}")
        if day.day.isoweekday() not in self.weekdays:
            left.append(f"on a {day.day:%A}")
        if not self.from_min <= start.wall_min <= self.until_min - day.holds_min:
            left.append(f"at {wall(start.wall_min)}")
        return ", ".join(left) or None


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


@dataclass(frozen=True, slots=True)
class _Choice:
    """The best start of one day for one usual time."""

    points: float
    start: Start | None
    leaves: str | None = None


_NONE = _Choice(inf, None)


class _Open:
    """A day's free starts, those within the wishes and those outside."""

    def __init__(self, day: Day, wishes: Preferences) -> None:
        self.day = day
        left = [(start, wishes.left_by(day, start)) for start in day.starts]
        self.within = [start for start, leaves in left if leaves is None]
        self._outside = [(start, leaves) for start, leaves in left if leaves is not None]
        self._walls = [start.wall_min for start in self.within]

    def choose(self, usual_min: int, *, strict: bool) -> _Choice:
        """The start with the fewest points; of equals the earlier one."""
        if self.within:
            place = bisect_left(self._walls, usual_min)
            near = self.within[max(place - 1, 0) : place + 1]
            points, _, start = min(
                (time_points(each.wall_min, usual_min), n, each) for n, each in enumerate(near)
            )
            return _Choice(points, start)
        if strict or not self._outside:
            return _NONE
        points, n = min(
            (time_points(each.wall_min, usual_min), n) for n, (each, _) in enumerate(self._outside)
        )
        start, leaves = self._outside[n]
        return _Choice(points + OUTSIDE_POINTS, start, leaves)


def plan_series(
    protocol: InfusionProtocol, count: int, wishes: Preferences, place: Place
) -> Proposal:
    """The best few plans of `count` infusions within the wishes, or why there is none."""
    days = [_Open(day, wishes) for day in days_of(place, wishes.earliest, wishes.latest)]
    calendar = Calendar(protocol, [each.day.day for each in days])
    plans = _best(protocol, count, wishes, days, calendar, strict=True)
    if plans:
        return Proposal(tuple(plans))
    return Proposal(
        (),
        tuple(Blocked(each.day.day, _why(each, wishes)) for each in days if not each.within),
        tuple(_between(protocol, count, wishes, days, calendar)),
        tuple(_nearest(protocol, count, wishes, place)),
    )


def last_day_of_any(protocol: InfusionProtocol, count: int, earliest: date) -> date:
    """So far on that a series fits that begins late, or is as long as it may be."""
    return earliest + timedelta(days=max(USUAL_SPAN_DAYS, (count - 1) * protocol.gap_max_days))


def broken_by_wishes(
    protocol: InfusionProtocol, count: int, wishes: Preferences, today: date
) -> list[Broken]:
    """What forbids looking for such a series at all."""
    calendar, house = "the calendar", "the house's limit on one question"
    span_days = (wishes.latest - wishes.earliest).days
    wrongs = (
        (
            wishes.earliest < today,
            "bookable_time",
            f"{wishes.earliest} has passed; take {today} or a later day.",
            calendar,
            "preferences.earliest",
        ),
        (
            wishes.latest > today + BOOKABLE_AHEAD,
            "bookable_time",
            f"{wishes.latest} is more than {BOOKABLE_AHEAD.days} days ahead; take a nearer day.",
            calendar,
            "preferences.latest",
        ),
        (
            span_days < 0,
            "plan_span",
            f"{wishes.latest} is before {wishes.earliest}; the latest day is not before the first.",
            calendar,
            "preferences.latest",
        ),
        (
            span_days > SPAN_DAYS_MAX,
            "plan_span",
            f"{span_days} days are too many to look through; take at most {SPAN_DAYS_MAX}.",
            house,
            "preferences.latest",
        ),
    )
    broken = [
        Broken(rule, detail, source, at) for wrong, rule, detail, source, at in wrongs if wrong
    ]
    return broken_by_size(protocol, count, "infusions") + broken


def _nearest(
    protocol: InfusionProtocol, count: int, wishes: Preferences, place: Place
) -> list[Plan]:
    """Plans that leave the wishes at as few visits as can be."""
    beyond = wishes.latest + timedelta(days=BEYOND_DAYS)
    days = [_Open(day, wishes) for day in days_of(place, wishes.earliest, beyond)]
    calendar = Calendar(protocol, [each.day.day for each in days])
    return _best(protocol, count, wishes, days, calendar, strict=False)


def usual_times(days: Sequence[Sequence[Start]], wishes: Preferences) -> list[int]:
    """The times of day that a plan may call its usual one: the full hours of the free starts."""
    walls = [start.wall_min for starts in days for start in starts]
    if not walls:
        return [wishes.from_min]
    first = -(-min(walls) // HOUR_MIN) * HOUR_MIN
    return list(range(first, max(walls) + 1, HOUR_MIN)) or [min(walls)]


def _best(
    protocol: InfusionProtocol,
    count: int,
    wishes: Preferences,
    days: Sequence[_Open],
    calendar: Calendar,
    *,
    strict: bool,
) -> list[Plan]:
    """The plan with the fewest points, and the next ones that differ from it in most visits."""
    found: list[tuple[float, tuple[int, ...], int]] = []
    for usual_min in usual_times([each.within for each in days], wishes):
        costs = [each.choose(usual_min, strict=strict).points for each in days]
        for chain in calendar.cheapest(count, lambda _, costs=costs: costs):  # type: ignore[misc]
            wait = (days[chain.places[0]].day.day - wishes.earliest).days * WAIT_POINTS
            found.append((chain.points + wait, chain.places, usual_min))
    plans: list[Plan] = []
    for _, places, usual_min in sorted(found):
        plan = _plan(protocol, wishes, [days[place] for place in places], usual_min)
        if all(_differ(plan, other) for other in plans):
            plans.append(plan)
            if len(plans) == OFFERED:
                break
    return plans


def _plan(
    protocol: InfusionProtocol, wishes: Preferences, days: Sequence[_Open], usual_min: int
) -> Plan:
    infusions = []
    for each in days:
        choice = each.choose(usual_min, strict=False)
        start = choice.start
        assert start is not None, "a chain holds only days with a start"
        chair = each.day.chair_for(start)
        infusions.append(Planned(chair, start.at, each.day.day, start.wall_min, choice.leaves))
    scored = [Scored(each.day, each.wall_min, each.leaves is not None) for each in infusions]
    items = score(protocol, scored, wishes.earliest, usual_min)
    return Plan(tuple(infusions), usual_min, tuple(items))


def _differ(one: Plan, other: Plan) -> bool:
    """Whether two plans share at most half of their visits; else there is little to choose."""
    shared = {each.starts_at for each in one.infusions} & {
        each.starts_at for each in other.infusions
    }
    return 2 * len(shared) <= len(one.infusions)


def _why(open_: _Open, wishes: Preferences) -> Broken:
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
    days: Sequence[_Open],
    calendar: Calendar,
) -> list[Broken]:
    """Why the dates that are free do not make a series."""
    free = [each.day.day for each in days if each.within]
    fits = calendar.longest([bool(each.within) for each in days], count)
    broken = [
        Broken(
            "series_fit",
            f"At most {fits} of {count} infusions fit between {wishes.earliest} and"
            f" {wishes.latest}, on {len(free)} free dates.",
            protocol.sources["gap_min_days"],
            "preferences",
        )
    ]
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
