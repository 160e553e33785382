"""The starts within the hours of a day, on the wall clock's grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.notice import soonest, too_soon
from services.scheduling.rules.clinic.policy import (
    DAY_MIN,
    OpeningHours,
    VisitFigures,
    Window,
    at_wall,
    broken_by_closure,
    not_open,
    windows_of,
)
from services.scheduling.rules.clinic.slots import broken_by_time
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.planner.day import Start
from services.scheduling.rules.planner.minutes import minute_of
from services.scheduling.rules.planner.place import Place
from shared.refusals import Broken

ANY_HOUR = OpeningHours(
    date.min,
    tuple(Window(weekday, 0, DAY_MIN) for weekday in range(1, 8)),
    "no hours are on record",
)


def hours_on(
    place: Place, day: date, midnight: datetime
) -> tuple[Broken | None, tuple[Start, ...], int]:
    """The starts within the hours of a day, or why there is none; and how long a visit holds."""
    field = "preferences"
    figures, hours = place.policy.visit_on(day), place.policy.hours_on(day)
    if figures is None or figures.booked_min is None:
        return _no_figure(day), (), 0
    none_today = _broken_by_day(place, day, field)
    if none_today is not None:
        return none_today, (), figures.holds_min
    if hours is None and place.any_hour:
        hours = ANY_HOUR
    if hours is None:
        return _no_hours(day), (), figures.holds_min
    within = list(_starts(hours, figures, day, midnight, place.zone))
    if not within:
        return not_open(hours, day, field), (), figures.holds_min
    in_time = _in_time(within, figures, place, field)
    if isinstance(in_time, Broken):
        return in_time, (), figures.holds_min
    return None, in_time, figures.holds_min


def _in_time(
    within: Sequence[Start], figures: VisitFigures, place: Place, field: str
) -> tuple[Start, ...] | Broken:
    """The starts that are to come, told in time to fast, or what the last one lacks."""
    planning = place.policy.planning
    wrong = [broken_by_time(planning, each.at, place.now, field) for each in within]
    to_come = [each for each, broken in zip(within, wrong, strict=True) if not broken]
    if not to_come:
        return wrong[-1][0]
    told = soonest(figures, place.now)
    if in_time := tuple(each for each in to_come if told <= each.at):
        return in_time
    return too_soon(figures, place.now, place.zone, field)


def _broken_by_day(place: Place, day: date, field: str) -> Broken | None:
    """Why no visit at all is given on a day, whatever its hours."""
    figures = place.policy.visit_on(day)
    if place.born is not None and figures is not None:
        young = broken_by_age(figures, place.born, day, field)
        if young:
            return young[0]
    near = None if place.rest is None else place.rest.why_not(day)
    if near is not None:
        return near
    closure = place.policy.closure_on(day)
    return None if closure is None else broken_by_closure(closure, day, field)


def _no_figure(day: date) -> Broken:
    return Broken(
        "duration_missing",
        f"No length is on record for such a visit on {day}; record it with its source.",
        "the visit types on record",
        "visit_type",
    )


def _no_hours(day: date) -> Broken:
    return Broken(
        "opening_hours_missing",
        f"No hours are on record for such visits on {day}; record the location's opening hours.",
        "the FAQ names hours for preparation sessions only",
        "location_id",
    )


def _starts(
    hours: OpeningHours, figures: VisitFigures, day: date, midnight: datetime, zone: ZoneInfo
) -> Iterator[Start]:
    """On the wall clock's grid from opening on. Wall times that a day skips are none of it."""
    for window in windows_of(hours, day):
        closes = minute_of(at_wall(day, window.until_min, zone), midnight)
        for shown in range(window.from_min, window.until_min, figures.start_every_min):
            at = at_wall(day, shown, zone)
            minute = minute_of(at, midnight)
            if minute + figures.holds_min > closes:
                break
            if at.astimezone(zone).replace(tzinfo=None) == _shown(day, shown):
                yield Start(at, shown, minute)


def _shown(day: date, minute: int) -> datetime:
    return datetime.combine(day, time.min) + timedelta(minutes=minute)
