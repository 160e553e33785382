"""The smallest re-plan of what is left of a series: fewest visits moved, then the smallest shift.

What was given, what is before the change, and the changed visit itself stand; every infusion after
them keeps its time unless it cannot be given there any more, moves, or gets another beside it for
one that was lost. What lost its chair alone keeps its time in another one, if one is free. What
moves or is added goes where the patient can come; what stays was agreed. The search is exact: no
legal re-plan has fewer visits go outside the wishes, none of those moves fewer, and none that moves
as few shifts them by less. A gap that must hold is never broken; when nothing fits, there is no
re-plan.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import inf
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.planner.bans import bans_matter
from services.scheduling.rules.planner.day import Day, Start
from services.scheduling.rules.planner.score import time_points
from services.scheduling.rules.planner.search import Calendar
from services.scheduling.rules.planner.wishes import Preferences, open_to
from services.scheduling.rules.replans.search import MOST_STATES, Bans, Merge, Mixed
from services.scheduling.rules.series.protocols import InfusionProtocol

SHIFT_WEIGHT = 1_000_000
"""A technical bound: more than all points of one plan for its gaps, weeks and times of day
together, whatever the house's weights may be set to."""

MOVED_WEIGHT = 10_000_000_000_000
"""A technical bound: more than any shift, each visit moved by months, minute by minute."""

OUTSIDE_WEIGHT = 10_000_000_000_000_000
"""A technical bound: more than a thousand visits moved."""

DAY_MIN = 24 * 60


class Fate(StrEnum):
    """What becomes of an infusion."""

    STAYS = "stays"
    MOVES = "moves"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Displaced:
    """Why an infusion cannot be given where it is booked, by the rules' names.

    `minute` is its start, from the midnight before, and `holds_min` for how long it was booked.
    """

    by: frozenset[str]
    minute: int
    holds_min: int

    def chair_on(self, day: Day) -> UUID | None:
        """Another chair at its very time, if nothing but its chair is what it lacks."""
        if self.by != {"chair_out"} or day.holds_min != self.holds_min:
            return None
        return day.chair_at(self.minute)


@dataclass(frozen=True, slots=True)
class Standing:
    """An infusion that is booked and may move, or has to: where it stands it cannot be given."""

    appointment_id: UUID
    sequence_no: int
    chair_id: UUID
    starts_at: datetime
    day: date
    wall_min: int
    displaced: Displaced | None = None

    def chair_on(self, day: Day) -> UUID | None:
        """The chair in which it keeps its time, if this is its day: its own, or one instead."""
        if day.day != self.day:
            return None
        return self.chair_id if self.displaced is None else self.displaced.chair_on(day)


@dataclass(frozen=True, slots=True)
class Replanned:
    """One infusion after the re-plan; `of` is the booked one, None for one that is added.

    `shift_min` is how far it moves: a day is a day, and on a day what the wall's clock shows.
    `leaves` is what of the wishes it does not keep. What `keeps_time` stays as it was booked, in
    its chair or in another one.
    """

    fate: Fate
    of: Standing | None
    chair_id: UUID
    starts_at: datetime
    day: date
    shift_min: int = 0
    leaves: str | None = None
    keeps_time: bool = False


@dataclass(frozen=True, slots=True)
class Replan:
    """What is left of a series, first to last, and how many of its infusions found no place."""

    visits: tuple[Replanned, ...]
    missing: int


def _shift(of: Standing, day: date, wall_min: int) -> int:
    return abs((day - of.day).days) * DAY_MIN + abs(wall_min - of.wall_min)


def last_day_of(
    protocol: InfusionProtocol,
    before: Sequence[date],
    later: Sequence[Standing],
    adding: int,
    today: date,
) -> date:
    """The last day on which an infusion of any re-plan can be given."""
    begins = before[-1] if before else today
    reach = begins + timedelta(days=(len(later) + adding) * protocol.gap_max_days)
    return max([reach, *(each.day for each in later)])


def replan(
    planning: Planning,
    protocol: InfusionProtocol,
    before: Sequence[date],
    later: Sequence[Standing],
    adding: int,
    days: Sequence[Day],
    usual_min: int,
    elsewhere: Sequence[date] = (),
    banned_until: datetime | None = None,
    wishes: Preferences | None = None,
) -> Replan | TooMany | None:
    """The smallest legal re-plan with as many of the missing infusions as fit; None if none fits.

    `before` are the local days of the infusions that stand fixed, `days` what is free without the
    ones in `later`, `usual_min` the time of day at which an added one is best, `elsewhere` the days
    of the patient's infusions of other series. `banned_until` is the end of the driving ban of a
    fixed one that moves, in which none that stays may begin either. `wishes` are
    for what moves or is added.
    """
    outside: Collection[date] = ()
    if wishes is not None:
        days, outside = open_to(wishes, days)
    calendar = Calendar(protocol, planning, [day.day for day in days], before, elsewhere)
    merge = Merge(
        calendar,
        [[_points_of(each, day, outside) for day in days] for each in later],
        [_points_of_added(planning, day, usual_min, outside) for day in days],
        _bans(protocol, later, days, usual_min),
        banned_until,
    )
    if merge.most_states(adding) > MOST_STATES:
        return TooMany(len(later), adding)
    for added in range(adding, -1, -1):
        if not later and not added:
            break
        found = merge.best(added)
        if found is not None:
            return Replan(_told(found, later, days, usual_min, wishes), adding - added)
    return None


def _bans(
    protocol: InfusionProtocol, later: Sequence[Standing], days: Sequence[Day], usual_min: int
) -> Bans | None:
    if not bans_matter(protocol, days):
        return None
    return Bans(
        days,
        [[_begins_at(each, day) for day in days] for each in later],
        [_at(_nearest(usual_min, day)) for day in days],
    )


def _begins_at(of: Standing, day: Day) -> datetime | None:
    if of.chair_on(day) is not None:
        return of.starts_at
    return _at(_nearest(of.wall_min, day))


def _at(start: Start | None) -> datetime | None:
    return None if start is None else start.at


@dataclass(frozen=True, slots=True)
class TooMany:
    """A re-plan of more than can be searched through: so many that may move, so many to add."""

    later: int
    adding: int


def _told(
    found: Mixed,
    later: Sequence[Standing],
    days: Sequence[Day],
    usual_min: int,
    wishes: Preferences | None,
) -> tuple[Replanned, ...]:
    left = iter(later)
    return tuple(
        _added(days[place], usual_min, wishes)
        if n in found.added
        else _kept(next(left), days[place], wishes)
        for n, place in enumerate(found.places)
    )


def _outside_points(day: Day, outside: Collection[date]) -> int:
    return OUTSIDE_WEIGHT if day.day in outside else 0


def _points_of(of: Standing, day: Day, outside: Collection[date]) -> float:
    if of.chair_on(day) is not None:
        return 0 if of.displaced is None else MOVED_WEIGHT
    start = _nearest(of.wall_min, day)
    if start is None:
        return inf
    shift = _shift(of, day.day, start.wall_min) * SHIFT_WEIGHT
    return _outside_points(day, outside) + MOVED_WEIGHT + shift


def _nearest(wall_min: int, day: Day) -> Start | None:
    """The start nearest to a time of day; of equals the earlier one."""
    return min(
        day.starts, key=lambda start: (abs(start.wall_min - wall_min), start.at), default=None
    )


def _kept(of: Standing, day: Day, wishes: Preferences | None) -> Replanned:
    kept = of.chair_on(day)
    if kept is not None:
        fate = Fate.STAYS if of.displaced is None else Fate.MOVES
        return Replanned(fate, of, kept, of.starts_at, of.day, keeps_time=True)
    start = _nearest(of.wall_min, day)
    assert start is not None, "a chain holds only days with a start"
    chair = of.chair_id if day.is_free(of.chair_id, start) else day.chair_for(start)
    shift_min = _shift(of, day.day, start.wall_min)
    leaves = None if wishes is None else wishes.left_by(day, start)
    return Replanned(Fate.MOVES, of, chair, start.at, day.day, shift_min, leaves)


def _points_of_added(
    planning: Planning, day: Day, usual_min: int, outside: Collection[date]
) -> float:
    start = _nearest(usual_min, day)
    if start is None:
        return inf
    return _outside_points(day, outside) + time_points(planning, start.wall_min, usual_min)


def _added(day: Day, usual_min: int, wishes: Preferences | None) -> Replanned:
    start = _nearest(usual_min, day)
    assert start is not None, "a chain holds only days with a start"
    leaves = None if wishes is None else wishes.left_by(day, start)
    chair = day.chair_for(start)
    return Replanned(Fate.ADDED, None, chair, start.at, day.day, leaves=leaves)


def usual_minute(starts: Sequence[datetime], zone: ZoneInfo) -> int:
    """The time of day of a series: that of the middle one of its infusions, by the wall's clock."""
    walls = sorted(wall_minute(each, zone) for each in starts)
    return walls[len(walls) // 2]


def wall_minute(moment: datetime, zone: ZoneInfo) -> int:
    """What the clock on the clinic's wall shows, as minutes since midnight."""
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute
