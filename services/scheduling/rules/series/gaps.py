"""How far apart infusions are, and how many a week has.

Days are those of the clinic's local calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol
from shared.refusals import Broken

WEEK_DAYS = 7

SIGN_OR_STOP = (
    "sign a longer gap for the series (override series_long_gap), or stop it and plan another one"
)
"""What becomes of a series whose gap is longer than the longest."""


def broken_by_gaps(
    protocol: InfusionProtocol,
    infusions: Sequence[Infusion],
    zone: ZoneInfo,
    field: Callable[[Infusion], str],
) -> list[Broken]:
    """What of a whole series breaks a gap, the order or the weekly cap."""
    return [
        *_wrong_gaps(protocol, infusions, zone, field),
        *_wrong_weeks(protocol, infusions, zone, field),
    ]


def broken_by_place(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], place: int, zone: ZoneInfo
) -> list[Broken]:
    """What forbids one infusion its place, from 0 on, among those of its series that stand.

    Only the gaps before and after it and the weeks that it is in are judged: one elsewhere is not
    its doing.
    """
    beside = infusions[max(place - 1, 0) : place + 2]
    day = _day(infusions[place], zone)
    near = [each for each in infusions if abs((_day(each, zone) - day).days) < WEEK_DAYS]
    first = near.index(infusions[place])
    return [
        *_wrong_gaps(
            protocol, beside, zone, lambda _: "starts_at", f" A prescriber can {SIGN_OR_STOP}."
        ),
        *_wrong_weeks(protocol, near, zone, lambda _: "starts_at", first=first)[:1],
    ]


def _wrong_gaps(
    protocol: InfusionProtocol,
    infusions: Sequence[Infusion],
    zone: ZoneInfo,
    field: Callable[[Infusion], str],
    if_too_long: str = "",
) -> list[Broken]:
    broken: list[Broken] = []
    for earlier, later in pairwise(infusions):
        days = gap_in_days(earlier, later, zone)
        if later.starts_at <= earlier.starts_at:
            rule, source = "series_order", "infusions of a series are given in their order"
            wrong = f"Infusion {later.sequence_no} is not after infusion {earlier.sequence_no}."
        elif days < protocol.gap_min_days:
            rule, source = "series_gap", protocol.sources["gap_min_days"]
            wrong = _told(protocol, earlier, later, days)
        elif days > protocol.gap_max_days:
            rule, source = "series_gap", protocol.sources["gap_max_days"]
            wrong = _told(protocol, earlier, later, days) + if_too_long
        else:
            continue
        broken.append(Broken(rule, wrong, source, field(later)))
    return broken


def broken_by_long_gap(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], zone: ZoneInfo, field: str
) -> list[Broken]:
    """Whether the last of these is given after a longer gap than the rule or a prescriber says."""
    *_, earlier, later = infusions
    days = gap_in_days(earlier, later, zone)
    if days <= protocol.gap_max_days:
        return []
    wrong = f"{_told(protocol, earlier, later, days)} A prescriber can {SIGN_OR_STOP}."
    return [Broken("series_gap", wrong, protocol.sources["gap_max_days"], field)]


def _told(protocol: InfusionProtocol, earlier: Infusion, later: Infusion, days: int) -> str:
    return (
        f"Infusion {later.sequence_no} is {local_days(days)} after infusion {earlier.sequence_no};"
        f" right would be {right_gap(protocol)}."
    )


def right_gap(protocol: InfusionProtocol) -> str:
    """How many days apart is right: `2 to 5`, or the one number that is."""
    least, most = protocol.gap_min_days, protocol.gap_max_days
    return f"{least}" if least == most else f"{least} to {most}"


def local_days(count: int) -> str:
    return f"{count} local day{'' if count == 1 else 's'}"


def gap_in_days(earlier: Infusion, later: Infusion, zone: ZoneInfo) -> int:
    """Local calendar days between two infusions: Monday 15:00 to Wednesday 09:00 is two."""
    return (_day(later, zone) - _day(earlier, zone)).days


def _day(infusion: Infusion, zone: ZoneInfo) -> date:
    return infusion.starts_at.astimezone(zone).date()


def infusions_in_week(days: Sequence[date], place: int) -> int:
    """How many are given within the seven local days that end with one of them."""
    return sum(0 <= (days[place] - day).days < WEEK_DAYS for day in days[: place + 1])


def _wrong_weeks(
    protocol: InfusionProtocol,
    infusions: Sequence[Infusion],
    zone: ZoneInfo,
    field: Callable[[Infusion], str],
    first: int = 0,
) -> list[Broken]:
    """What breaks the cap in weeks that end with the infusion in place `first` or a later one."""
    cap = protocol.weekly_cap
    if cap is None:
        return []
    days = [_day(infusion, zone) for infusion in infusions]
    return [
        Broken(
            "series_week",
            f"Infusion {infusion.sequence_no} would be one of {count} within seven days;"
            f" right would be at most {cap}.",
            protocol.sources["weekly_cap"],
            field(infusion),
        )
        for place, infusion in enumerate(infusions)
        if place >= first and (count := infusions_in_week(days, place)) > cap
    ]


def advice_on_series(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], zone: ZoneInfo
) -> list[str]:
    """What of a series is allowed and not advised: gaps, crowded weeks, a long course.

    No booking leaves a gap longer than the longest, but infusions that were lost do.
    """
    days = [_day(infusion, zone) for infusion in infusions]
    advice = [
        _advice_on_gap(protocol, earlier, later, gap)
        for earlier, later in pairwise(infusions)
        if (gap := gap_in_days(earlier, later, zone)) > protocol.gap_advised_days
    ]
    weekly, weeks = protocol.weekly_advised, protocol.course_advised_weeks
    if weekly is not None:
        advice += [
            f"Infusion {infusion.sequence_no} is one of {count} within seven days;"
            f" the clinic advises at most {weekly}."
            for place, infusion in enumerate(infusions)
            if (count := infusions_in_week(days, place)) > weekly
        ]
    if weeks is not None and days and (last := (days[-1] - days[0]).days) > weeks * WEEK_DAYS:
        advice.append(
            f"The last infusion is {local_days(last)} after the first;"
            f" the clinic advises a course of at most {weeks} weeks."
        )
    return advice


def _advice_on_gap(
    protocol: InfusionProtocol, earlier: Infusion, later: Infusion, days: int
) -> str:
    apart = (
        f"Infusion {later.sequence_no} is {local_days(days)} after infusion {earlier.sequence_no};"
    )
    if days <= protocol.gap_max_days:
        return f"{apart} the clinic advises at most {protocol.gap_advised_days}."
    return (
        f"{apart} that breaks the longest gap, which is {local_days(protocol.gap_max_days)}"
        f" ({protocol.sources['gap_max_days']}); a prescriber has to {SIGN_OR_STOP}."
    )
