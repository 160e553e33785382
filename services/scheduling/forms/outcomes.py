"""Outcomes as they are asked for and answered: bodies of requests, checked for their form."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Text
from services.scheduling.rules.outcomes.course import CheckpointState, Meaning
from services.scheduling.rules.outcomes.creyos import MAX_ROWS
from services.scheduling.rules.outcomes.forms import Instrument, Occasion
from services.scheduling.rules.outcomes.reviews import Matter
from shared.claims import Line
from shared.events import Moment
from shared.refusals import API_DOCUMENT, Malformed

MAX_ITEMS = 50
"""Far above any form, so that the rule about its items can say what would be right."""


def _a_number(answer: Any) -> Any:
    """What a form's item is answered with is no word and no yes; 2.0 is 2."""
    if isinstance(answer, str | bool):
        raise Malformed("whole_number", "The answer must be a whole number.", API_DOCUMENT)
    return answer


Answer = Annotated[int, Field(ge=-999, le=999), BeforeValidator(_a_number)]


class Taken(Wish):
    """When in the course a form was filled in: now, unless `taken_at` says otherwise.

    `appointment_id` names the infusion that it was filled in before, `series_id` the series that
    it was filled in after; an intake needs neither.
    """

    occasion: Occasion
    appointment_id: UUID | None = None
    series_id: UUID | None = None
    taken_at: Moment | None = None


class RecordOutcome(Taken):
    """One form. `answers` are in the form's order, null for an item that was not answered."""

    instrument: Literal[Instrument.PHQ9, Instrument.GAD7, Instrument.PCL5, Instrument.NRS]
    answers: Annotated[list[Answer | None], Field(max_length=MAX_ITEMS)]


class CreyosTask(BaseModel):
    """A task of a summary. Whatever else an export says of it is not read."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    task: Line
    standard_score: Annotated[float, Field(strict=True, ge=-999, le=999)]
    percentile: Annotated[float, Field(strict=True, ge=-999, le=999)]


class ImportCreyos(Taken):
    """A Creyos summary."""

    tasks: Annotated[list[CreyosTask], Field(max_length=MAX_ROWS)]


class WithdrawOutcome(Wish):
    why: Text


class AcknowledgeReview(Wish):
    """`done`: what was done about it."""

    done: Text


class ScoreAnswer(BaseModel):
    """A form's figures: `parts` are a PCL-5's clusters, or the tasks of a Creyos summary."""

    total: int | None
    band: str | None
    parts: dict[str, int | float]
    criteria_met: bool | None


class ReviewAnswer(BaseModel):
    """Something that a person must look at, in an outcome or at a visit, and what was done."""

    review_id: UUID
    outcome_id: UUID | None
    appointment_id: UUID | None
    patient_id: UUID
    matter: Matter
    raised_at: Moment
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    done: str | None


class OutcomeAnswer(BaseModel):
    """One form, as answered and as scored by a version of its rule."""

    outcome_id: UUID
    patient_id: UUID
    series_id: UUID | None
    appointment_id: UUID | None
    instrument: Instrument
    rule_version: int
    occasion: Occasion
    taken_at: Moment
    recorded_at: Moment
    recorded_by: str
    answers: list[int] | None
    tasks: list[CreyosTask] | None
    score: ScoreAnswer
    withdrawn_at: Moment | None
    withdrawn_by: str | None
    withdrawn_why: str | None


class OutcomeRecorded(OutcomeAnswer):
    """A form that was just recorded, and what of it a person must look at."""

    reviews: list[ReviewAnswer]


class TrendPoint(BaseModel):
    """One score in its course, against the baseline. Null where nothing can be said.

    `change` is in points, below zero for a fall, `change_pct` in percent of the baseline.
    """

    outcome_id: UUID
    occasion: Occasion
    appointment_id: UUID | None
    infusions_before: int
    taken_at: Moment
    rule_version: int
    score: ScoreAnswer
    change: int | None
    change_pct: int | None
    part_changes: dict[str, int | float]
    meaning: Meaning | None
    response: bool | None
    remission: bool | None


class CheckpointAnswer(BaseModel):
    """How a form stands at the fourth infusion, and by which score."""

    infusion: int
    state: CheckpointState
    outcome_id: UUID | None


class Trend(BaseModel):
    """One instrument over a series, and the lines in force today.

    Each score is judged by those of its own day.
    """

    instrument: Instrument
    baseline_id: UUID | None
    response_fall_pct: int
    remission_below: int | None
    points: list[TrendPoint]
    checkpoint: CheckpointAnswer | None


class SeriesOutcomes(BaseModel):
    """What a series has done so far, by the patient's own answers."""

    series_id: UUID
    patient_id: UUID
    infusions_begun: int
    trends: list[Trend]
