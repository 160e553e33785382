"""Outcomes over a series: baseline, change, response, remission, and the fourth infusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from services.scheduling.rules.outcomes import Instrument, Occasion, Scale
from services.scheduling.rules.series import SeriesState
from services.scheduling.rules.visits import VisitState
from shared.refusals import Broken

RESPONSE_PCT = 50
"""A response is a fall of at least half: the field's word (>= 50 % on the PHQ-9, Löwe 2004). The
FAQ says that about 70 % have ">50% recovery"; from 20 to 10 is a response here and not there."""

CHECKPOINT_INFUSION = 4
"""FAQ: effects are noticed, on average, by the fourth infusion."""


OLDEST_FORM = datetime(1999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Point:
    """One score in its course. `infusions_before` of the series had begun when it was taken."""

    outcome_id: UUID
    occasion: Occasion
    taken_at: datetime
    rule_version: int
    total: int | None
    parts: Mapping[str, float]
    infusions_before: int


class Meaning(StrEnum):
    """Whether a change is more than noise."""

    IMPROVED = "improved"
    STEADY = "steady"
    WORSENED = "worsened"


@dataclass(frozen=True, slots=True)
class Change:
    """How a score stands to the baseline. None where nothing can be said.

    `points` and `part_points` are below zero for a fall. A baseline that is no case is no ground
    for a response: half of little is noise.
    """

    points: int | None
    percent: int | None
    part_points: Mapping[str, float]
    meaning: Meaning | None
    response: bool | None


UNKNOWN_CHANGE = Change(None, None, {}, None, None)


def baseline_of(points: Sequence[Point]) -> Point | None:
    """The last score before the first infusion, which is what trials measure change from."""
    before = [point for point in points if not point.infusions_before]
    return max(before, key=lambda point: point.taken_at, default=None)


def change_from(baseline: Point | None, point: Point, scale: Scale | None) -> Change:
    """How far a score is from the baseline.

    Nothing is said of the baseline itself, of what came before it, or across versions of a rule.
    """
    if (
        baseline is None
        or point.taken_at <= baseline.taken_at
        or point.rule_version != baseline.rule_version
    ):
        return UNKNOWN_CHANGE
    parts = {
        name: round(figure - baseline.parts[name], 1)
        for name, figure in point.parts.items()
        if name in baseline.parts
    }
    if scale is None or baseline.total is None or point.total is None:
        return Change(None, None, parts, None, None)
    points = point.total - baseline.total
    return Change(
        points=points,
        percent=round(100 * points / baseline.total) if baseline.total else None,
        part_points=parts,
        meaning=_meaning(points, scale),
        response=responded(scale, baseline.total, point.total),
    )


def _meaning(points: int, scale: Scale) -> Meaning:
    if abs(points) < scale.meaningful:
        return Meaning.STEADY
    return Meaning.IMPROVED if points < 0 else Meaning.WORSENED


def responded(scale: Scale, baseline: int, total: int) -> bool | None:
    """Whether a total has fallen by at least half; None where the baseline is no case."""
    if baseline < scale.judged_from:
        return None
    return 100 * (baseline - total) >= RESPONSE_PCT * baseline


def in_remission(scale: Scale, total: int) -> bool | None:
    """Whether a total is below the form's remission line; None where it has none."""
    return None if scale.remission_below is None else total < scale.remission_below


class CheckpointState(StrEnum):
    """`NOT_JUDGED`: the series is past its checkpoint, and a score or a baseline is missing."""

    NOT_REACHED = "not_reached"
    RESPONSE = "response"
    NO_RESPONSE = "no_response"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How a form stands at the fourth infusion, and by which score."""

    state: CheckpointState
    outcome_id: UUID | None = None


def checkpoint(scale: Scale, points: Sequence[Point], given: int) -> Checkpoint:
    """Judge the first score that was taken for the fourth infusion or later.

    The score before the fourth infusion is the first: the prescriber can still act on it that day.
    `given` infusions of the series have begun.
    """
    baseline = baseline_of(points)
    for point in sorted(points, key=lambda point: point.taken_at):
        response = change_from(baseline, point, scale).response
        if _at_checkpoint(point) and response is not None:
            state = CheckpointState.RESPONSE if response else CheckpointState.NO_RESPONSE
            return Checkpoint(state, point.outcome_id)
    reached = given >= CHECKPOINT_INFUSION
    return Checkpoint(CheckpointState.NOT_JUDGED if reached else CheckpointState.NOT_REACHED)


def _at_checkpoint(point: Point) -> bool:
    ahead = point.occasion is Occasion.BEFORE_INFUSION
    return point.infusions_before + ahead >= CHECKPOINT_INFUSION


def broken_by_place(occasion: Occasion, *, names_visit: bool, names_series: bool) -> list[Broken]:
    """Whether a form names what its occasion belongs to, and nothing else."""
    named = {"appointment_id": names_visit, "series_id": names_series}
    needed = {
        "appointment_id": occasion is Occasion.BEFORE_INFUSION,
        "series_id": occasion is Occasion.AFTER_SERIES,
    }
    return [
        Broken(
            "occasion_place",
            f"A form of the occasion {occasion} names {'its' if needed[field] else 'no'} {field}.",
            "a form before an infusion belongs to that visit, one after a series to the series",
            field,
        )
        for field in named
        if named[field] != needed[field]
    ]


def broken_by_taken_at(taken_at: datetime, now: datetime) -> list[Broken]:
    if taken_at < OLDEST_FORM:
        return [
            Broken(
                "taken_earlier",
                f"The forms are younger than this; right would be {OLDEST_FORM.year} or later.",
                "the PHQ-9, the oldest of the questionnaires, is of 1999",
                "taken_at",
            )
        ]
    if taken_at <= now:
        return []
    return [
        Broken(
            "taken_later",
            "This moment is yet to come; a form is recorded once it is filled in.",
            "the calendar",
            "taken_at",
        )
    ]


@dataclass(frozen=True, slots=True)
class Drip:
    """What is known of one visit's infusion."""

    sequence_no: int
    state: VisitState
    started_at: datetime | None
    stopped_at: datetime | None


def broken_by_before_infusion(
    visit: Drip, drips: Sequence[Drip], taken_at: datetime
) -> list[Broken]:
    """Whether a form can have been filled in before this infusion of its series."""
    if visit.state is VisitState.CANCELLED:
        return [
            Broken(
                "visit_cancelled",
                "The visit is cancelled; name the one that the form was filled in for.",
                "a form before an infusion belongs to that infusion",
                "appointment_id",
            )
        ]
    source = "a form before an infusion tells of the time since the one before it"
    if visit.started_at is not None and taken_at > visit.started_at:
        detail = f"Infusion {visit.sequence_no} had started by then; right would be a moment"
        return [Broken("taken_after_start", f"{detail} before it.", source, "taken_at")]
    last = max(
        (each for each in drips if each.sequence_no < visit.sequence_no and each.stopped_at),
        key=lambda each: each.sequence_no,
        default=None,
    )
    if last is not None and last.stopped_at is not None and taken_at < last.stopped_at:
        detail = f"Infusion {last.sequence_no} was not over by then; right would be a moment"
        return [Broken("taken_too_early", f"{detail} after it.", source, "taken_at")]
    return []


def broken_by_after_series(
    state: SeriesState, drips: Sequence[Drip], taken_at: datetime
) -> list[Broken]:
    """Whether a form can have been filled in after this series."""
    if state is SeriesState.BOOKED:
        return [
            Broken(
                "series_not_over",
                "The series is open; record the form before an infusion, or end the series first.",
                "a form after a series tells of all its infusions",
                "series_id",
            )
        ]
    if any(each.stopped_at is not None and taken_at < each.stopped_at for each in drips):
        return [
            Broken(
                "taken_too_early",
                "The last infusion was not over by then; right would be a moment after it.",
                "a form after a series tells of all its infusions",
                "taken_at",
            )
        ]
    return []


def broken_by_recorded(instrument: Instrument, *, recorded: bool) -> list[Broken]:
    if not recorded:
        return []
    return [
        Broken(
            "recorded_already",
            f"The {instrument} of this occasion is on file; withdraw it first if it is wrong.",
            "a patient fills in each form once per occasion",
            "instrument",
        )
    ]
