"""The clinic's rule sheet for series and visits. Pure: time and ids are passed in.

Every figure names its source; "FAQ" is the clinic's own public FAQ. Intervals between infusions
are counted in the clinic's local calendar days, the driving ban in elapsed time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.events.scheduling import VisitType

SERIES_MIN = 6  # FAQ: "a total of six (6) sessions and up to 8 initial infusions"
SERIES_MAX = 8  # FAQ: as above
GAP_MIN_DAYS = 2  # FAQ: "spaced 2 to 5 days apart"
GAP_ADVISED_DAYS = 5  # FAQ: as above
GAP_MAX_DAYS = 7  # FAQ: "Do not let more than 5-7 days go between initial ketamine infusions"
NO_DRIVING = timedelta(hours=6)  # FAQ: "No driving for 6 hours after an infusion"
NO_FOOD = timedelta(hours=2)  # FAQ: "no food for two hours prior, but liquids are fine"

BOOKED_FOR = {
    VisitType.KETAMINE_MOOD: timedelta(minutes=50),  # FAQ: "over the course of 40-50 minutes"
    VisitType.KETAMINE_PAIN: timedelta(hours=4),  # FAQ: "CRPS and pain infusions can last 4 hours"
    VisitType.PREPARATION: timedelta(minutes=60),  # the FAQ names none; the clinic's choice
}


class Concern(StrEnum):
    """What "may require a more in-depth clearance" (FAQ: "Is there anything that excludes me")."""

    ACTIVE_LIVER_DISEASE = "active_liver_disease"
    HEART_DISEASE = "heart_disease"
    UNCONTROLLED_BLOOD_PRESSURE = "uncontrolled_blood_pressure"


class VisitState(StrEnum):
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    RUNNING = "running"
    COMPLETED = "completed"
    DISCHARGED = "discharged"
    CANCELLED = "cancelled"


MOVES: dict[VisitState, frozenset[VisitState]] = {
    VisitState.BOOKED: frozenset({VisitState.CHECKED_IN, VisitState.CANCELLED}),
    VisitState.CHECKED_IN: frozenset({VisitState.RUNNING, VisitState.CANCELLED}),
    VisitState.RUNNING: frozenset({VisitState.COMPLETED}),
    VisitState.COMPLETED: frozenset({VisitState.DISCHARGED}),
    VisitState.DISCHARGED: frozenset(),
    VisitState.CANCELLED: frozenset(),
}
"""A visit's life: which state may follow which."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a request breaks: its name, what is wrong, and where the rule comes from."""

    rule: str
    detail: str
    source: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What the rules need to know of a visit."""

    state: VisitState
    patient_held: bool
    ride_recorded: bool
    fasted: bool | None


def ends_at(visit_type: VisitType, starts_at: datetime) -> datetime:
    """When the chair is free again."""
    return starts_at + BOOKED_FOR[visit_type]


def broken_by_series(
    visit_type: VisitType, starts: Sequence[datetime], zone: ZoneInfo, now: datetime
) -> list[Broken]:
    """What forbids booking these infusions as one series, first to last."""
    broken = [*_wrong_size(visit_type, len(starts)), *_in_the_past(starts, now)]
    if visit_type is VisitType.KETAMINE_MOOD:
        broken += _wrong_gaps(starts, zone)
    return broken


def _wrong_size(visit_type: VisitType, count: int) -> list[Broken]:
    if visit_type is VisitType.KETAMINE_MOOD and not SERIES_MIN <= count <= SERIES_MAX:
        return [
            Broken(
                "series_size",
                f"A mood series has {SERIES_MIN} to {SERIES_MAX} infusions, not {count}.",
                "FAQ: six sessions and up to 8 initial infusions",
                "appointments",
            )
        ]
    return []


def _in_the_past(starts: Sequence[datetime], now: datetime) -> list[Broken]:
    return [
        Broken("in_the_past", "This time has passed.", "common sense", f"appointments.{index}")
        for index, start in enumerate(starts)
        if start <= now
    ]


def _wrong_gaps(starts: Sequence[datetime], zone: ZoneInfo) -> list[Broken]:
    broken: list[Broken] = []
    for index, days in enumerate(gaps_in_days(starts, zone), start=1):
        if days < GAP_MIN_DAYS:
            wrong = f"{days} local days after the one before; at least {GAP_MIN_DAYS} are needed."
            source = "FAQ: spaced 2 to 5 days apart"
        elif days > GAP_MAX_DAYS:
            wrong = f"{days} local days after the one before; at most {GAP_MAX_DAYS} are allowed."
            source = "FAQ: do not let more than 5-7 days go between initial infusions"
        else:
            continue
        broken.append(Broken("series_gap", f"It is {wrong}", source, f"appointments.{index}"))
    return broken


def gaps_in_days(starts: Sequence[datetime], zone: ZoneInfo) -> list[int]:
    """Local calendar days between each infusion and the next."""
    days = [start.astimezone(zone).date() for start in starts]
    return [(later - earlier).days for earlier, later in zip(days, days[1:], strict=False)]


def advice_on_series(starts: Sequence[datetime], zone: ZoneInfo) -> list[str]:
    """What is allowed but longer than the clinic advises."""
    return [
        f"Infusion {index + 1} is {days} days after the one before; the clinic advises 2 to 5."
        for index, days in enumerate(gaps_in_days(starts, zone), start=1)
        if days > GAP_ADVISED_DAYS
    ]


def needs_clearance(concerns: Sequence[Concern]) -> bool:
    """Whether no infusion may start before a clinician records a clearance."""
    return bool(concerns)


def broken_by_move(state: VisitState, to: VisitState) -> list[Broken]:
    """What forbids a visit to pass from one state to another."""
    if to in MOVES[state]:
        return []
    return [
        Broken(
            "visit_state",
            f"The visit is {state.value}; it cannot become {to.value}.",
            "the visit's life: booked, checked in, running, completed, discharged",
        )
    ]


def broken_by_start(visit: Visit) -> list[Broken]:
    """What is missing before the drip may start."""
    broken = broken_by_move(visit.state, VisitState.RUNNING)
    if visit.patient_held:
        broken.append(
            Broken(
                "clearance_missing",
                "The patient is held until a clearance is recorded.",
                "FAQ: active liver, heart disease, and uncontrolled blood pressure",
            )
        )
    if not visit.ride_recorded:
        broken.append(
            Broken(
                "ride_missing",
                "No ride home is recorded.",
                "FAQ: you will need a driver to take you home (or an Uber)",
            )
        )
    if visit.fasted is None:
        broken.append(
            Broken(
                "fasting_unanswered",
                "Nobody has asked when the patient last ate.",
                "FAQ: no food for two hours prior",
            )
        )
    elif not visit.fasted:
        broken.append(
            Broken(
                "not_fasted",
                "The patient has eaten within the last two hours.",
                "FAQ: no food for two hours prior",
            )
        )
    return broken


def no_drive_until(stopped_at: datetime) -> datetime:
    """End of the driving ban: elapsed time from the actual end of the infusion."""
    return stopped_at + NO_DRIVING
