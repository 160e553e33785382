"""Outcomes and reviews as staff see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from services.scheduling.forms.outcomes import (
    OutcomeAnswer,
    OutcomeRecorded,
    ReviewAnswer,
    ScoreAnswer,
)
from services.scheduling.store import outcomes as kept
from services.scheduling.tables.outcomes import Outcome, Review
from shared.messaging import Transaction


def show_outcome(tx: Transaction, outcome: Outcome) -> OutcomeAnswer:
    answers = kept.answers_of(tx, outcome)
    return OutcomeAnswer(
        **outcome.model_dump(exclude={"answers", "score", "withdrawn_why"}),
        answers=answers.get("items"),
        tasks=answers.get("tasks"),
        score=show_score(tx, outcome),
        withdrawn_why=kept.why_withdrawn(tx, outcome),
    )


def show_score(tx: Transaction, outcome: Outcome) -> ScoreAnswer:
    return ScoreAnswer(**asdict(kept.score_of(tx, outcome)))


def show_recorded(tx: Transaction, outcome: Outcome, raised: Sequence[Review]) -> OutcomeRecorded:
    return OutcomeRecorded(
        **dict(show_outcome(tx, outcome)), reviews=[show_review(tx, review) for review in raised]
    )


def show_review(tx: Transaction, review: Review) -> ReviewAnswer:
    return ReviewAnswer(
        **review.model_dump(exclude={"matter", "done"}),
        matter=kept.matter_of(tx, review),
        done=kept.done_of(tx, review),
    )
