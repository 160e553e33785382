"""Outcomes over a series: baseline, change, response, remission, and the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.scheduling.rules.outcomes.forms import Instrument, Occasion, Scale


@dataclass(frozen=True, slots=True)
class Lines:
    """What makes a response, a remission and a checkpoint: figures of the house, of one day.

    A response is a fall by `response_fall_pct` or more. `remission_phq9_below` is of the PHQ-9
    alone: of the other forms the field knows no such figure.
    """

    response_fall_pct: int
    remission_phq9_below: int
    checkpoint_infusion: int


@dataclass(frozen=True, slots=True)
class Point:
    """One score in its course. `infusions_before` of the series had begun when it was taken.

    It is judged by the `lines` of the day on which it was taken.
    """

    outcome_id: UUID
    occasion: Occasion
    taken_at: datetime
    rule_version: int
    total: int | None
    parts: Mapping[str, float]
    infusions_before: int
    lines: Lines


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
        response=responded(scale, baseline.total, point.total, point.lines),
    )


def _meaning(points: int, scale: Scale) -> Meaning:
    if abs(points) < scale.meaningful:
        return Meaning.STEADY
    return Meaning.IMPROVED if points < 0 else Meaning.WORSENED


def responded(scale: Scale, baseline: int, total: int, lines: Lines) -> bool | None:
    """Whether a total has fallen far enough; None where the baseline is no case."""
    if baseline < scale.judged_from:
        return None
    return 100 * (baseline - total) >= lines.response_fall_pct * baseline


def remission_below(scale: Scale, lines: Lines) -> int | None:
    """The form's remission line; None where it has none."""
    return lines.remission_phq9_below if scale.instrument is Instrument.PHQ9 else None


def in_remission(scale: Scale, total: int, lines: Lines) -> bool | None:
    below = remission_below(scale, lines)
    return None if below is None else total < below


class CheckpointState(StrEnum):
    """`NOT_JUDGED`: the series is past its checkpoint, and a score or a baseline is missing."""

    NOT_REACHED = "not_reached"
    RESPONSE = "response"
    NO_RESPONSE = "no_response"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How a form stands at the checkpoint, and by which score."""

    state: CheckpointState
    outcome_id: UUID | None = None


def checkpoint(scale: Scale, points: Sequence[Point], begun: int, lines: Lines) -> Checkpoint:
    """Judge the first score that was taken for the infusion of the checkpoint or a later one.

    The score before that infusion is the first: the prescriber can still act on it that day.
    `begun` infusions of the series have begun; `lines` are today's.
    """
    baseline = baseline_of(points)
    for point in sorted(points, key=lambda point: point.taken_at):
        response = change_from(baseline, point, scale).response
        if _at_checkpoint(point) and response is not None:
            state = CheckpointState.RESPONSE if response else CheckpointState.NO_RESPONSE
            return Checkpoint(state, point.outcome_id)
    reached = begun >= lines.checkpoint_infusion
    return Checkpoint(CheckpointState.NOT_JUDGED if reached else CheckpointState.NOT_REACHED)


def _at_checkpoint(point: Point) -> bool:
    ahead = point.occasion is Occasion.BEFORE_INFUSION
    return point.infusions_before + ahead >= point.lines.checkpoint_infusion
