"""The figures in force: what a visit takes, how a series is given, when a place works.

Every figure is a row with a source and a first day; a later row replaces it from its own first day
on. A visit is judged by the figures of its local day, a series by those of the day it is booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken

DAY_MIN = 24 * 60


class Dated(Protocol):
    @property
    def effective_from(self) -> date: ...


T = TypeVar("T", bound=Dated)


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """What a visit of one type takes. `booked_min` is None until somebody records a figure.

    `drug` is what is given, None where it is none, and `gap_min_days` the least local days between
    two visits that give it, for one outside a series. With `begins_in_ban` a visit may begin while
    its patient may not drive yet after an infusion. `dose_needed`, `vitals_needed` and
    `orientation_needed` are what its gates ask for; a dose is measured in `dose_unit`.
    """

    effective_from: date
    name: str
    booked_min: int | None
    recovery_min: int
    fasting_min: int
    no_drive_min: int
    ride_needed: bool
    chair_needed: bool
    start_every_min: int
    drug: str | None
    route: str | None
    is_controlled: bool
    gap_min_days: int | None
    least_age_years: int | None
    begins_in_ban: bool
    room_needed: bool
    dose_needed: bool
    dose_unit: str | None
    vitals_needed: bool
    orientation_needed: bool
    sources: Mapping[str, str]

    @property
    def holds_min(self) -> int:
        """How long a visit holds its chair: what is given, and the recovery after it."""
        assert self.booked_min is not None, "only a type whose length is on record is booked"
        return self.booked_min + self.recovery_min


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a weekday, Monday being 1, in minutes on the wall clock."""

    weekday: int
    from_min: int
    until_min: int


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When visits of one type are given, for a whole week. A weekday without a window is closed."""

    effective_from: date
    windows: tuple[Window, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Shift:
    window: Window
    nurses: int


@dataclass(frozen=True, slots=True)
class Roster:
    """How many nurses are on duty, for a whole week, and how many chairs one may watch."""

    effective_from: date
    chairs_per_nurse: int
    shifts: tuple[Shift, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Closure:
    first_on: date
    last_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The rows that speak of one visit type at one place, each kind by its first day.

    `planning` are the house's figures, as they are in force today.
    """

    visits: tuple[VisitFigures, ...]
    planning: Planning
    protocols: tuple[tuple[date, InfusionProtocol], ...] = ()
    hours: tuple[OpeningHours, ...] = ()
    house_hours: tuple[OpeningHours, ...] = ()
    rosters: tuple[Roster, ...] = ()
    closures: tuple[Closure, ...] = ()

    def visit_on(self, day: date) -> VisitFigures | None:
        return in_force(self.visits, day)

    @property
    def in_series(self) -> bool:
        """Whether visits of this type are given as a series."""
        return bool(self.protocols)

    def figures_on(self, day: date) -> VisitFigures:
        """As `visit_on`. A day before all figures is long past; the first figures do for it."""
        return self.visit_on(day) or self.visits[0]

    def protocol_on(self, day: date) -> InfusionProtocol:
        """How a series that is booked this day is given."""
        found = [protocol for since, protocol in self.protocols if since <= day]
        assert found, "every type that is given as a series has a protocol from the first day on"
        return found[-1]

    def protocol_at(self, booked_at: datetime, zone: ZoneInfo) -> InfusionProtocol:
        """How a series that was booked at this moment is given: by what was on record then."""
        day = booked_at.astimezone(zone).date()
        found = [
            protocol
            for since, protocol in self.protocols
            if since <= day and (protocol.recorded_at is None or protocol.recorded_at <= booked_at)
        ]
        assert found, "every type that is given as a series has a protocol from the first day on"
        return found[-1]

    def hours_on(self, day: date) -> OpeningHours | None:
        """The place's own hours, else the house's; None where nobody has recorded any."""
        return in_force(self.hours, day) or in_force(self.house_hours, day)

    def roster_on(self, day: date) -> Roster | None:
        return in_force(self.rosters, day)

    def closure_on(self, day: date) -> Closure | None:
        return next((c for c in self.closures if c.first_on <= day <= c.last_on), None)


def in_force(rows: Sequence[T], day: date) -> T | None:
    """The row with the latest first day that is not after this day. Rows come by first day."""
    return next((row for row in reversed(rows) if row.effective_from <= day), None)


def windows_of(hours: OpeningHours, day: date) -> list[Window]:
    return [each for each in hours.windows if each.weekday == day.isoweekday()]


def wall(minute: int) -> str:
    """Minutes since midnight as a clock shows them."""
    return f"{minute // 60:02}:{minute % 60:02}"


def on_the_wall(at: datetime, zone: ZoneInfo) -> str:
    """A moment as the place's own calendar and clock show it; people are told no other time."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def minute_of(shown: str) -> int:
    """What a clock shows, as minutes since midnight; 24:00 ends a day."""
    hour, minute = shown.split(":")
    return int(hour) * 60 + int(minute)


def at_wall(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The moment at which the clock on the wall shows this minute of the day.

    In UTC, because moments of one zone are compared by what the wall shows, an hour off at night
    when clocks go back.
    """
    shown = datetime.combine(day, time.min) + timedelta(minutes=minute)
    return shown.replace(tzinfo=zone).astimezone(UTC)


def broken_by_hours(
    policy: Policy, starts_at: datetime, ends_at: datetime, zone: ZoneInfo, field: str
) -> list[Broken]:
    """Whether the place works at this time. Where no hours are on record, any time is right."""
    day = starts_at.astimezone(zone).date()
    closure = policy.closure_on(day)
    if closure is not None:
        return [broken_by_closure(closure, day, field)]
    hours = policy.hours_on(day)
    if hours is None:
        return []
    windows = windows_of(hours, day)
    if any(
        at_wall(day, each.from_min, zone) <= starts_at
        and ends_at <= at_wall(day, each.until_min, zone)
        for each in windows
    ):
        return []
    return [not_open(hours, day, field)]


def broken_by_closure(closure: Closure, day: date, field: str) -> Broken:
    return Broken(
        "closed",
        f"The place is closed on {day}: {closure.reason}. Take a day on which it is open.",
        "the place's closures",
        field,
    )


def not_open(hours: OpeningHours, day: date, field: str) -> Broken:
    windows = windows_of(hours, day)
    if windows:
        open_ = " and ".join(f"{wall(w.from_min)} to {wall(w.until_min)}" for w in windows)
        detail = f"On {day:%A} {day} such visits are given {open_}, start to end."
    else:
        days = ", ".join(dict.fromkeys(_weekday(w.weekday) for w in hours.windows)) or "no day"
        detail = f"No such visits are given on a {day:%A}; they are given on {days}."
    return Broken("opening_hours", detail, hours.source, field)


def _weekday(number: int) -> str:
    return f"{date(2024, 1, number):%A}"  # 2024 began on a Monday


def watched_chairs(roster: Roster, day: date) -> list[tuple[Window, int]]:
    """How many chairs can be watched, shift by shift; shifts that overlap add up."""
    return [
        (shift.window, shift.nurses * roster.chairs_per_nurse)
        for shift in roster.shifts
        if shift.window.weekday == day.isoweekday()
    ]


def broken_by_nurses(
    policy: Policy,
    starts_at: datetime,
    ends_at: datetime,
    beside: Iterable[tuple[datetime, datetime]],
    zone: ZoneInfo,
    field: str,
) -> list[Broken]:
    """Whether nurses can watch one more chair. Where no roster is on record, chairs alone count.

    `beside` are the other visits of the place, from start to end.
    """
    day = starts_at.astimezone(zone).date()
    roster = policy.roster_on(day)
    if roster is None:
        return []
    shifts = [
        (at_wall(day, window.from_min, zone), at_wall(day, window.until_min, zone), chairs)
        for window, chairs in watched_chairs(roster, day)
    ]
    others = [each for each in beside if each[0] < ends_at and starts_at < each[1]]
    edges = {starts_at, *(s for s, _ in others), *(e for each in shifts for e in each[:2])}
    for edge in edges:
        if not starts_at <= edge < ends_at:
            continue
        room = sum(chairs for begin, end, chairs in shifts if begin <= edge < end)
        if sum(begin <= edge < end for begin, end in others) >= room:
            return [nurses_busy(roster, field)]
    return []


def nurses_busy(roster: Roster, field: str) -> Broken:
    return Broken(
        "nurses_busy",
        "The nurses on duty watch as many chairs as they may, up to"
        f" {roster.chairs_per_nurse} each; take another time.",
        roster.source,
        field,
    )
