"""Outcomes and the reviews that they ask for. Answers and figures are sealed and opened here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select, update
from sqlmodel import col

from services.scheduling.rules.outcomes.forms import Instrument, Occasion, Score
from services.scheduling.rules.outcomes.reviews import Matter
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Appointment, Patient, Series
from services.scheduling.tables.outcomes import Outcome, Review
from shared.ids import new_id
from shared.messaging import Transaction

OUTCOMES: Table = Outcome.__table__  # type: ignore[attr-defined]  # every table=True model has one
REVIEWS: Table = Review.__table__  # type: ignore[attr-defined]  # as above
BY_TAKEN = (OUTCOMES.c.taken_at, OUTCOMES.c.outcome_id)
BY_RAISED = (REVIEWS.c.raised_at, REVIEWS.c.review_id)


@dataclass(frozen=True, slots=True)
class Place:
    """When in a patient's course something was answered."""

    patient_id: UUID
    occasion: Occasion
    taken_at: datetime
    series_id: UUID | None = None
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day on the clinic's wall."""

    date: date
    zone: str

    @classmethod
    def of(cls, moment: datetime, zone: str) -> Day:
        return cls(moment.astimezone(ZoneInfo(zone)).date(), zone)


def add_outcome(
    tx: Transaction,
    place: Place,
    instrument: Instrument,
    rule_version: int,
    answers: Mapping[str, Any],
    score: Score,
    by: str,
) -> Outcome:
    """Keep answers and what the rule of this version made of them."""
    outcome_id = new_id()
    outcome = Outcome(
        outcome_id=outcome_id,
        **asdict(place),
        instrument=instrument,
        rule_version=rule_version,
        recorded_at=tx.now,
        recorded_by=by,
        answers=seal(tx, dict(answers), "outcomes", "answers", outcome_id),
        score=seal(tx, asdict(score), "outcomes", "score", outcome_id),
    )
    tx.insert(Outcome, **outcome.model_dump())
    return outcome


def answers_of(tx: Transaction, outcome: Outcome) -> dict[str, Any]:
    return unseal(tx, outcome.answers, "outcomes", "answers", outcome.outcome_id)


def score_of(tx: Transaction, outcome: Outcome) -> Score:
    return Score(**unseal(tx, outcome.score, "outcomes", "score", outcome.outcome_id))


async def is_recorded(
    tx: Transaction, place: Place, instrument: Instrument, day: Day | None
) -> bool:
    """Whether this form stands on file for this occasion, where it has a day for that day.

    Intake may be asked again.
    """
    if place.occasion is Occasion.INTAKE:
        return False
    rows = select(col(Outcome.outcome_id)).where(
        col(Outcome.series_id) == place.series_id,
        col(Outcome.appointment_id).is_not_distinct_from(place.appointment_id),
        col(Outcome.instrument) == instrument,
        _standing(),
    )
    if day is not None:
        rows = rows.where(
            func.date(func.timezone(day.zone, col(Outcome.taken_at))) == day.date,
            col(Outcome.occasion) == place.occasion,
        )
    return (await tx.execute(rows)).first() is not None


def _standing() -> ColumnElement[bool]:
    return col(Outcome.withdrawn_at).is_(None)


async def outcomes_of_series(tx: Transaction, series: Series) -> list[Outcome]:
    """What stands on file of a series, by when it was taken, its intake included.

    An intake belongs to the series that had not ended yet, and followed the end of the one before.
    """
    before = select(func.max(col(Series.ended_at))).where(
        col(Series.patient_id) == series.patient_id, col(Series.booked_at) < series.booked_at
    )
    since = (await tx.execute(before)).scalar()
    intake = [col(Outcome.occasion) == Occasion.INTAKE]
    if since is not None:
        intake.append(col(Outcome.taken_at) >= since)
    if series.ended_at is not None:
        intake.append(col(Outcome.taken_at) < series.ended_at)
    rows = select(Outcome).where(
        col(Outcome.patient_id) == series.patient_id,
        _standing(),
        or_(col(Outcome.series_id) == series.series_id, and_(*intake)),
    )
    return await every(tx, rows.order_by(*BY_TAKEN), Outcome)


async def visit_of(tx: Transaction, patient_id: UUID, appointment_id: UUID) -> Appointment | None:
    rows = select(Appointment).where(
        col(Appointment.appointment_id) == appointment_id,
        col(Appointment.patient_id) == patient_id,
    )
    return await one(tx, rows, Appointment)


async def series_of(tx: Transaction, patient_id: UUID, series_id: UUID) -> Series | None:
    rows = select(Series).where(
        col(Series.series_id) == series_id, col(Series.patient_id) == patient_id
    )
    return await one(tx, rows, Series)


async def newest_series(tx: Transaction, patient_id: UUID) -> Series | None:
    rows = select(Series).where(col(Series.patient_id) == patient_id)
    newest = rows.order_by(col(Series.booked_at).desc(), col(Series.series_id).desc()).limit(1)
    return await one(tx, newest, Series)


def outcomes_of_patient(patient_id: UUID) -> Select[Any]:
    """Everything on file, what was withdrawn included, to be shown a page at a time."""
    return select(Outcome).where(col(Outcome.patient_id) == patient_id)


async def outcomes_of_intakes(tx: Transaction, patient_id: UUID) -> list[Outcome]:
    """What stands on file of a patient who has no series yet."""
    rows = outcomes_of_patient(patient_id).where(_standing())
    return await every(tx, rows.order_by(*BY_TAKEN), Outcome)


async def lock_outcome(tx: Transaction, outcome_id: UUID) -> Outcome | None:
    """An outcome as it is once its patient's row is held."""
    rows = select(Patient).join(Outcome).where(col(Outcome.outcome_id) == outcome_id)
    if await one(tx, rows.with_for_update(key_share=True, of=Patient), Patient) is None:
        return None
    return await one(tx, select(Outcome).where(col(Outcome.outcome_id) == outcome_id), Outcome)


async def withdraw_outcome(tx: Transaction, outcome: Outcome, by: str, why: str) -> Outcome:
    values: dict[str, Any] = {
        "withdrawn_at": tx.now,
        "withdrawn_by": by,
        "withdrawn_why": seal(tx, {"why": why}, "outcomes", "withdrawn_why", outcome.outcome_id),
    }
    await tx.execute(
        update(Outcome).where(col(Outcome.outcome_id) == outcome.outcome_id).values(**values)
    )
    return Outcome(**(outcome.model_dump() | values))


def why_withdrawn(tx: Transaction, outcome: Outcome) -> str | None:
    if outcome.withdrawn_why is None:
        return None
    place = ("outcomes", "withdrawn_why", outcome.outcome_id)
    return str(unseal(tx, outcome.withdrawn_why, *place)["why"])


def add_review(tx: Transaction, of: Outcome | Appointment, matter: Matter) -> Review:
    """Have a person look at an outcome, or at a visit."""
    review_id = new_id()
    review = Review(
        review_id=review_id,
        outcome_id=of.outcome_id if isinstance(of, Outcome) else None,
        appointment_id=None if isinstance(of, Outcome) else of.appointment_id,
        patient_id=of.patient_id,
        matter=seal(tx, {"matter": matter}, "reviews", "matter", review_id),
        raised_at=tx.now,
    )
    tx.insert(Review, **review.model_dump())
    return review


def matter_of(tx: Transaction, review: Review) -> Matter:
    return Matter(unseal(tx, review.matter, "reviews", "matter", review.review_id)["matter"])


def done_of(tx: Transaction, review: Review) -> str | None:
    if review.done is None:
        return None
    return str(unseal(tx, review.done, "reviews", "done", review.review_id)["done"])


async def matters_raised(
    tx: Transaction, series_id: UUID, instrument: Instrument
) -> Sequence[Matter]:
    """What one form has asked of people in a series, open or not."""
    rows = (
        select(Review)
        .join(Outcome)
        .where(col(Outcome.series_id) == series_id, col(Outcome.instrument) == instrument)
    )
    return [matter_of(tx, review) for review in await every(tx, rows, Review)]


def reviews_raised(*, open_: bool, patient_id: UUID | None) -> Select[Any]:
    """Reviews that wait for a person, or those that are done, to be shown a page at a time."""
    waits = col(Review.acknowledged_at).is_(None)
    rows = select(Review).where(waits if open_ else ~waits)
    return rows if patient_id is None else rows.where(col(Review.patient_id) == patient_id)


async def lock_review(tx: Transaction, review_id: UUID) -> Review | None:
    """A review as it is once its patient's row is held."""
    rows = select(Patient).join(Review).where(col(Review.review_id) == review_id)
    if await one(tx, rows.with_for_update(key_share=True, of=Patient), Patient) is None:
        return None
    return await one(tx, select(Review).where(col(Review.review_id) == review_id), Review)


async def acknowledge_review(tx: Transaction, review: Review, by: str, done: str) -> Review:
    values: dict[str, Any] = {
        "acknowledged_at": tx.now,
        "acknowledged_by": by,
        "done": seal(tx, {"done": done}, "reviews", "done", review.review_id),
    }
    await tx.execute(
        update(Review).where(col(Review.review_id) == review.review_id).values(**values)
    )
    return Review(**(review.model_dump() | values))
