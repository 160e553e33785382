"""Dates as FHIR searches ask for them: a prefix, and a value that is as long as it is exact.

A value without an hour means the place's own calendar: the day of a visit is the day on the
clinic's wall (FHIR R4, 3.1.1.5.5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.refusals import Broken

FIRST_YEAR, LAST_YEAR = 2000, 2199

_ASKED = re.compile(
    r"(?P<prefix>eq|ne|ge|gt|le|lt|sa|eb)?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(:\d\d(\.\d{1,6})?)?)(?P<zone>Z|[+-]\d\d:\d\d))?)?)?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on, and before `until`. Without a zone both are what the place's clock shows.

    `is_outside`: what is meant is all that is not between them.
    """

    since: datetime | None
    until: datetime | None
    is_outside: bool = False


def read_span(asked: str, field: str) -> Span | Broken:
    """What one date parameter asks for."""
    match = _ASKED.fullmatch(asked)
    # What a client sends as + in a query arrives as a blank unless it was escaped.
    if match is None and " " in asked:
        match = _ASKED.fullmatch(asked.replace(" ", "+"))
    try:
        begin, end = _interval(match) if match else (None, None)
    except (ValueError, OverflowError):  # the last day of all has none after it
        begin = end = None
    if match is None or begin is None or not FIRST_YEAR <= begin.year <= LAST_YEAR:
        return Broken(
            "fhir_date",
            "This is no date to search by; right would be 2026-10-05, ge2026-10-05 or"
            " lt2026-10-05T09:00:00-04:00, with eq, ne, ge, gt, le, lt, sa or eb before it.",
            "FHIR R4, 3.1.1.5.5: date",
            field,
        )
    # A visit starts at one moment, so that it starts after a span is that it is after it.
    after, before = Span(end, None), Span(None, begin)
    spans = {
        "ge": Span(begin, None),
        "le": Span(None, end),
        "ne": Span(begin, end, is_outside=True),
        "gt": after,
        "sa": after,
        "lt": before,
        "eb": before,
    }
    return spans.get(match["prefix"], Span(begin, end))


def _interval(match: re.Match[str]) -> tuple[datetime, datetime]:
    """All moments that a value may stand for."""
    if match["time"]:
        text = f"{match['year']}-{match['month']}-{match['day']}T{match['time']}{match['zone']}"
        begin = datetime.fromisoformat(text).astimezone(UTC)
        exact = timedelta(seconds=1) if match["time"].count(":") > 1 else timedelta(minutes=1)
        return begin, begin + exact
    first = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    if match["day"]:
        after = first + timedelta(days=1)
    elif match["month"]:
        after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        after = first.replace(year=first.year + 1)
    return datetime.combine(first, time.min), datetime.combine(after, time.min)
