"""How many infusions a series has, how far apart they are, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.scheduling.rules.broken import Broken
from services.scheduling.rules.slots import broken_by_time
from shared.events.scheduling import VisitType


class SeriesState(StrEnum):
    BOOKED = "booked"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class InfusionProtocol:
    """How a series of one kind is given. Gaps are local calendar days from one to the next."""

    kind: str
    size_min: int
    size_max: int
    size_source: str
    gap_min_days: int
    gap_advised_days: int
    gap_max_days: int
    too_close_source: str
    too_far_source: str
    booked_for: timedelta


PROTOCOLS = {
    VisitType.KETAMINE_MOOD: InfusionProtocol(
        kind="mood",
        size_min=6,
        size_max=8,
        size_source="FAQ: a total of six (6) sessions and up to 8 initial infusions",
        gap_min_days=2,
        gap_advised_days=5,
        gap_max_days=7,
        too_close_source="FAQ: spaced 2 to 5 days apart",
        too_far_source="FAQ: do not let more than 5-7 days go between initial infusions",
        booked_for=timedelta(minutes=50),  # FAQ: "over the course of 40-50 minutes"
    ),
    VisitType.KETAMINE_PAIN: InfusionProtocol(
        kind="pain",
        size_min=3,
        size_max=5,
        size_source="FAQ: CRPS and pain infusions span 3-5 days consecutively",
        gap_min_days=1,
        gap_advised_days=1,
        gap_max_days=1,
        too_close_source="FAQ: CRPS and pain infusions span 3-5 days consecutively",
        too_far_source="FAQ: CRPS and pain infusions span 3-5 days consecutively",
        booked_for=timedelta(hours=4),  # FAQ: "CRPS and pain infusions can last 4 hours"
    ),
}


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
        *_wrong_size(protocol, len(infusions)),
        *(
            wrong
            for infusion in infusions
            for wrong in broken_by_time(infusion.starts_at, now, field(infusion))
        ),
        *_wrong_gaps(protocol, infusions, zone, field),
    ]


def broken_by_moving(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], moved: int, zone: ZoneInfo
) -> list[Broken]:
    """What forbids infusion number `moved` its new place among those that are not cancelled.

    Only the gaps before and after it are judged: one elsewhere is not this move's doing.
    """
    place = next(n for n, infusion in enumerate(infusions) if infusion.sequence_no == moved)
    beside = infusions[max(place - 1, 0) : place + 2]
    return _wrong_gaps(protocol, beside, zone, lambda _: "starts_at")


def _wrong_size(protocol: InfusionProtocol, count: int) -> list[Broken]:
    if protocol.size_min <= count <= protocol.size_max:
        return []
    return [
        Broken(
            "series_size",
            f"A {protocol.kind} series has {protocol.size_min} to {protocol.size_max} infusions,"
            f" not {count}.",
            protocol.size_source,
            "appointments",
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
            rule, source = "series_gap", protocol.too_close_source
            wrong = _told(protocol, earlier, later, days)
        elif days > protocol.gap_max_days:
            rule, source = "series_gap", protocol.too_far_source
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
    return (
        later.starts_at.astimezone(zone).date() - earlier.starts_at.astimezone(zone).date()
    ).days


def advice_on_gaps(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], zone: ZoneInfo
) -> list[str]:
    """Where infusions are further apart than the clinic advises."""
    return [
        f"Infusion {later.sequence_no} is {_days(days)} after infusion {earlier.sequence_no};"
        f" the clinic advises at most {protocol.gap_advised_days}."
        for earlier, later in pairwise(infusions)
        if (days := gap_in_days(earlier, later, zone)) > protocol.gap_advised_days
    ]


def is_completed(protocol: InfusionProtocol, completed: int, open_: int) -> bool:
    """Whether a series is done: none is left to come, and no fewer were given than one has.

    A series that lost infusions to cancellations and falls short stays open for a person to stop:
    its completion has a prescription drafted.
    """
    return open_ == 0 and completed >= protocol.size_min


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


def broken_by_stopping(state: SeriesState, *, infusion_running: bool) -> list[Broken]:
    """What forbids ending a series early."""
    broken: list[Broken] = []
    if state is not SeriesState.BOOKED:
        broken.append(
            Broken(
                "series_state",
                f"The series is {state.value}; only an open one can be stopped.",
                "a series' life: booked, then completed or stopped",
                "series_id",
            )
        )
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
