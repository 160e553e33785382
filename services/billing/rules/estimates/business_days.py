"""US federal business days: Monday to Friday, except the legal public holidays.

5 U.S.C. 6103(a) names them. One on a Saturday is kept on the Friday before (6103(b)), one on a
Sunday on the Monday after (Executive Order 11582). Inauguration Day is for pay and leave of federal
employees around Washington only (6103(c)), and a business day. A state's or the clinic's own days
off count as business days all the same: the terms of 45 CFR 149.610 do not wait for them.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

_DAY = timedelta(days=1)
_MON, _THU, _SAT, _SUN = 0, 3, 5, 6
_JUNETEENTH_FROM = 2021  # Pub. L. 117-17


def is_business_day(day: date) -> bool:
    """A holiday of the next year may be kept in this one: January 1 on a Saturday."""
    return day.weekday() < _SAT and not (
        day in federal_holidays(day.year) or day in federal_holidays(day.year + 1)
    )


def add(day: date, count: int) -> date:
    """The business day that is `count` after a day; the day itself does not count."""
    return _step(day, count, _DAY)


def subtract(day: date, count: int) -> date:
    """The business day that is `count` before a day; the day itself does not count."""
    return _step(day, count, -_DAY)


def _step(day: date, count: int, by: timedelta) -> date:
    while count:
        day += by
        count -= is_business_day(day)
    return day


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """The days on which the holidays of a year are kept."""
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= _JUNETEENTH_FROM:
        fixed.append(date(year, 6, 19))
    return frozenset(
        {
            *map(_kept_on, fixed),
            _nth(year, 1, _MON, 3),  # Birthday of Martin Luther King, Jr.
            _nth(year, 2, _MON, 3),  # Washington's Birthday
            _nth(year, 6, _MON, 0),  # Memorial Day: the last Monday of May
            _nth(year, 9, _MON, 1),  # Labor Day
            _nth(year, 10, _MON, 2),  # Columbus Day
            _nth(year, 11, _THU, 4),  # Thanksgiving Day
        }
    )


def _kept_on(day: date) -> date:
    return {_SAT: day - _DAY, _SUN: day + _DAY}.get(day.weekday(), day)


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth such weekday of a month; the 0th is the last one before the month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
