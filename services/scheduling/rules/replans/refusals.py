"""Why a re-plan is not made, and why one that was made is not applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import on_the_wall
from services.scheduling.rules.planner.day import Day
from services.scheduling.rules.series.gaps import SIGN_OR_STOP
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken

DAYS_NAMED = 7
"""A technical bound: a week shows what forbids every day of it; the weeks after say the same."""


def broken_by_nothing_to_do(later: int, adding: int) -> list[Broken]:
    if later or adding:
        return []
    return [
        Broken(
            "nothing_to_replan",
            "No infusion comes after this change and none is missing; make the change by itself.",
            "a re-plan is of what is left of a series",
            "change",
        )
    ]


def broken_by_no_replan(
    protocol: InfusionProtocol, before: Sequence[date], days: Sequence[Day]
) -> list[Broken]:
    """Why there is no legal re-plan: which rule blocks which date on which the next was due."""
    if not before:
        shut = [day for day in days if not day.starts]
        why = [day.why_not(day.asked) for day in shut[:DAYS_NAMED]]
        return why if len(shut) == len(days) else [_nothing_fits(protocol), *why]
    first = before[-1] + timedelta(days=protocol.gap_min_days)
    last = before[-1] + timedelta(days=protocol.gap_max_days)
    due = [day for day in days if first <= day.day <= last]
    broken = [
        Broken(
            "series_gap",
            f"The infusion before is on {before[-1]}; the next was due by {last}, and no time up to"
            f" then keeps every gap after it. A prescriber can {SIGN_OR_STOP}.",
            protocol.sources["gap_max_days"],
            "change",
        )
    ]
    return broken + [day.why_not(day.asked) for day in due if not day.starts]


def broken_by_too_many(later: int, adding: int) -> list[Broken]:
    return [
        Broken(
            "replan_too_large",
            f"{later} infusions may move and {adding} are missing, which is more than is searched"
            " at once; book some of the missing ones by themselves first.",
            "the house's limit on one search",
            "change",
        )
    ]


def _nothing_fits(protocol: InfusionProtocol) -> Broken:
    return Broken(
        "series_fit",
        "No times are free at which what is left of the series keeps its gaps.",
        protocol.sources["gap_min_days"],
        "change",
    )


def broken_by_unsettled(ended: Sequence[int]) -> list[Broken]:
    """Whether visits are past of which nobody said what became of them, by their numbers."""
    return [
        Broken(
            "visit_unsettled",
            f"The time of infusion {number} is past, and nobody said what became of it; record it"
            " first, or re-plan with its cancellation.",
            "a re-plan counts days from what was given",
            "change",
        )
        for number in ended
    ]


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit as it was looked at."""

    sequence_no: int
    state: str
    revision: int


def broken_by_changed(
    seen: Mapping[UUID, Seen],
    found: Mapping[UUID, Seen],
    starts_at: Mapping[UUID, datetime],
    zone: ZoneInfo,
) -> list[Broken]:
    """What of a series is not as it was when the re-plan was proposed, and how it is now."""
    return [
        Broken(
            "changed_meanwhile",
            f"Infusion {now.sequence_no} is {now.state.replace('_', ' ')} at revision"
            f" {now.revision}, for {on_the_wall(starts_at[visit], zone)}; propose anew.",
            "a re-plan is applied to the series that it was made for",
            "replan_id",
        )
        for visit, now in found.items()
        if seen.get(visit) != now
    ]


PROPOSAL_SOURCE = "a proposal's life: open until it is applied or runs out"


def broken_by_applied(*, applied: bool) -> list[Broken]:
    if not applied:
        return []
    detail = "This re-plan was applied already; read the series."
    return [Broken("replan_applied", detail, PROPOSAL_SOURCE, "replan_id")]


def broken_by_expiry(expires_at: datetime, now: datetime, zone: ZoneInfo) -> list[Broken]:
    if now < expires_at:
        return []
    detail = f"This re-plan ran out at {on_the_wall(expires_at, zone)}; propose anew."
    return [Broken("replan_expired", detail, PROPOSAL_SOURCE, "replan_id")]
