"""How many infusions a series has, how far apart they are, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.scheduling.rules.slots import broken_by_time
from shared.events.scheduling import VisitType
from shared.refusals import Broken

WEEK_DAYS = 7

SPRAY_AFTERWARDS = frozenset({VisitType.KETAMINE_MOOD, VisitType.KETAMINE_PAIN})
"""FAQ: an intranasal ketamine spray for home is available for depression, anxiety, pain and PTSD.
Ketamine is a substance of schedule III (21 CFR 1308.13)."""


class SeriesState(StrEnum):
    BOOKED = "booked"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class InfusionProtocol:
    """How a series of one kind is given. Gaps are local calendar days from one to the next.

    `weekly_advised` and `weekly_cap` count infusions within any seven local days, the one as
    advice, the other as a rule; `course_advised_weeks` is from first to last. None where no figure
    is on record. `sources` says for each figure, by its name, where it comes from.
    """

    kind: str
    size_min: int
    size_max: int
    gap_min_days: int
    gap_advised_days: int
    gap_max_days: int
    weekly_advised: int | None
    weekly_cap: int | None
    course_advised_weeks: int | None
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Infusion:
    """One infusion's place in its series."""

    sequence_no: int
    starts_at: datetime


def numbered(starts: Sequence[datetime]) -> list[Infusion]:
    """The infusions of a series that is asked for, in the order in which they are listed."""
    return [Infusion(number, start) for number, start in enumerate(starts, start=1)]


def broken_by_booking(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], zone: ZoneInfo, now: datetime
) -> list[Broken]:
    """What forbids booking these infusions as one series, first to last."""

    def field(infusion: Infusion) -> str:
        return f"appointments.{infusion.sequence_no - 1}.starts_at"

    return [
        *broken_by_size(protocol, len(infusions), "appointments"),
        *(
            wrong
            for infusion in infusions
            for wrong in broken_by_time(infusion.starts_at, now, field(infusion))
        ),
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
        *_wrong_gaps(protocol, beside, zone, lambda _: "starts_at"),
        *_wrong_weeks(protocol, near, zone, lambda _: "starts_at", first=first)[:1],
    ]


def broken_by_missing(planned: int, standing: int) -> list[Broken]:
    """Whether a series lacks an infusion that another can take the place of."""
    if standing < planned:
        return []
    return [
        Broken(
            "series_whole",
            f"The series was planned with {planned} and {standing} stand; only one that was"
            " cancelled or sent home is given in another's place.",
            "the series as it was booked",
            "series_id",
        )
    ]


def broken_by_size(protocol: InfusionProtocol, count: int, field: str) -> list[Broken]:
    if protocol.size_min <= count <= protocol.size_max:
        return []
    return [
        Broken(
            "series_size",
            f"A {protocol.kind} series has {protocol.size_min} to {protocol.size_max} infusions,"
            f" not {count}.",
            protocol.sources["size_min" if count < protocol.size_min else "size_max"],
            field,
        )
    ]


def _wrong_gaps(
    protocol: InfusionProtocol,
    infusions: Sequence[Infusion],
    zone: ZoneInfo,
    field: Callable[[Infusion], str],
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
            wrong = _told(protocol, earlier, later, days)
        else:
            continue
        broken.append(Broken(rule, wrong, source, field(later)))
    return broken


def _told(protocol: InfusionProtocol, earlier: Infusion, later: Infusion, days: int) -> str:
    right = f"{protocol.gap_min_days}"
    if protocol.gap_max_days > protocol.gap_min_days:
        right += f" to {protocol.gap_max_days}"
    return (
        f"Infusion {later.sequence_no} is {_days(days)} after infusion {earlier.sequence_no};"
        f" right would be {right}."
    )


def _days(count: int) -> str:
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
    """What of a series is allowed and not advised: gaps, crowded weeks, a long course."""
    days = [_day(infusion, zone) for infusion in infusions]
    advice = [
        f"Infusion {later.sequence_no} is {_days(gap)} after infusion {earlier.sequence_no};"
        f" the clinic advises at most {protocol.gap_advised_days}."
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
            f"The last infusion is {_days(last)} after the first;"
            f" the clinic advises a course of at most {weeks} weeks."
        )
    return advice


def is_completed(protocol: InfusionProtocol, completed: int, open_: int) -> bool:
    """Whether a series is done: none is left to come, and no fewer were given than one has.

    A series that lost infusions and falls short stays open, for a person to book what is missing
    or to stop it: its completion has a prescription drafted.
    """
    return open_ == 0 and completed >= protocol.size_min


def broken_by_prescriber(visit_type: VisitType, dea_number: str | None) -> list[Broken]:
    """Whether the prescriber can sign what the completed series ends in.

    Asked at the booking, and not weeks later when the last infusion is given.
    """
    if visit_type not in SPRAY_AFTERWARDS or dea_number is not None:
        return []
    return [
        Broken(
            "dea_number_missing",
            "The series ends in a prescription of a controlled substance, and no DEA number of its"
            " prescriber is on record; add it, or name another prescriber.",
            "21 CFR 1306.05: a prescription shows its prescriber's registration number",
            "prescriber_id",
        )
    ]


def broken_by_open_series(*, has_open: bool) -> list[Broken]:
    if not has_open:
        return []
    return [
        Broken(
            "series_open",
            "The patient has an open series; complete or stop it before booking another.",
            "FAQ: infusions are spaced 2 to 5 days apart, which two series at a time would break",
            "patient_id",
        )
    ]


def broken_by_state(state: SeriesState, what: str) -> list[Broken]:
    """Whether a series is open. `what` completes "can …"."""
    if state is SeriesState.BOOKED:
        return []
    return [
        Broken(
            "series_state",
            f"The series is {state.value}; only an open one can {what}.",
            "a series' life: booked, then completed or stopped",
            "series_id",
        )
    ]


def broken_by_stopping(state: SeriesState, *, infusion_running: bool) -> list[Broken]:
    """What forbids ending a series early."""
    broken = broken_by_state(state, "be stopped")
    if infusion_running:
        broken.append(
            Broken(
                "infusion_running",
                "An infusion of the series is running; complete it first.",
                "an infusion that was given is recorded with its stop",
                "series_id",
            )
        )
    return broken
