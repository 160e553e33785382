"""When a patient can come, and which questions about that are looked into at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.clinic.policy import DAY_MIN, wall
from services.scheduling.rules.clinic.slots import AHEAD_SOURCE
from services.scheduling.rules.planner.day import Day, Start
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken

USUAL_SPAN_DAYS = 30
"""A technical bound: how many dates a question is looked through that names no last one."""

SPAN_DAYS_MAX = 120
"""A technical bound on the dates of one question: five times the longest advised course."""

BEYOND_DAYS = 21
"""A technical bound: how far after the last date asked for the nearest legal plan may end."""

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
        if day.day < self.earliest:
            left.append(f"before {self.earliest}")
        if day.day > self.latest:
            left.append(f"after {self.latest}")
        if day.day.isoweekday() not in self.weekdays:
            left.append(f"on a {day.day:%A}")
        if not self.from_min <= start.wall_min <= self.until_min - day.holds_min:
            left.append(f"at {wall(start.wall_min)}")
        return ", ".join(left) or None


def open_to(wishes: Preferences, days: Sequence[Day]) -> tuple[list[Day], set[date]]:
    """The days with only the starts within the wishes, and which have none and keep the others."""
    opened, outside = [], set()
    for day in days:
        within = tuple(each for each in day.starts if wishes.left_by(day, each) is None)
        opened.append(replace(day, starts=within or day.starts))
        if not within:
            outside.add(day.day)
    return opened, outside


def last_day_of_any(
    planning: Planning, protocol: InfusionProtocol, count: int, earliest: date, today: date
) -> date:
    """So far on that a series fits that begins late, or is as long as it may be.

    No later than is booked ahead, nor than one question looks.
    """
    span_days = max(USUAL_SPAN_DAYS, (count - 1) * protocol.gap_max_days)
    last = earliest + timedelta(days=min(span_days, SPAN_DAYS_MAX))
    return max(earliest, min(last, today + timedelta(days=planning.bookable_ahead_days)))


def broken_by_wishes(
    planning: Planning, wishes: Preferences, today: date, *, latest_named: bool
) -> list[Broken]:
    """What forbids looking through the dates at all. Of `latest` only where it was named."""
    calendar, house = "the calendar", "the house's limit on one question"
    ahead_days = planning.bookable_ahead_days
    ahead = today + timedelta(days=ahead_days)
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
            wishes.earliest > ahead,
            "bookable_time",
            f"{wishes.earliest} is more than {ahead_days} days ahead; take a nearer day.",
            AHEAD_SOURCE,
            "preferences.earliest",
        ),
        (
            latest_named and wishes.latest > ahead,
            "bookable_time",
            f"{wishes.latest} is more than {ahead_days} days ahead; take a nearer day.",
            AHEAD_SOURCE,
            "preferences.latest",
        ),
        (
            latest_named and span_days < 0,
            "plan_span",
            f"{wishes.latest} is before {wishes.earliest}; the latest day is not before the first.",
            calendar,
            "preferences.latest",
        ),
        (
            latest_named and span_days > SPAN_DAYS_MAX,
            "plan_span",
            f"{span_days} days are too many to look through; take at most {SPAN_DAYS_MAX}.",
            house,
            "preferences.latest",
        ),
    )
    return [Broken(rule, detail, source, at) for wrong, rule, detail, source, at in wrongs if wrong]
