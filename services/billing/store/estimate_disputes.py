"""The disputes of estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import INTEGER

from services.billing.rules.estimates.disputes import Outcome
from services.billing.tables import EstimateDispute
from shared.messaging import Transaction

_IS_OPEN = text(
    "SELECT EXISTS (SELECT FROM estimate_disputes"
    " WHERE estimate_id = :estimate_id AND closed_at IS NULL)"
)

_IS_UNDER = text(
    "SELECT EXISTS (SELECT FROM estimate_disputes WHERE hold_id = :hold_id AND closed_at IS NULL)"
)

_LOCK = text(
    """
    SELECT d.dispute_id, d.patient_id, d.hold_id, e.course_id, d.closed_at IS NOT NULL AS is_closed
      FROM estimate_disputes AS d JOIN estimates AS e USING (estimate_id)
     WHERE d.dispute_id = :dispute_id FOR UPDATE OF d
    """
)

_BILLED = text(
    """
    SELECT coalesce(sum(c.amount_cents - c.forgiven_cents), 0)
      FROM series_visits AS v JOIN charges AS c USING (appointment_id)
     WHERE v.series_id = (SELECT coalesce(booked_as, course_id) FROM estimate_courses
                           WHERE course_id = :series_id)
    """
)

_CLOSE = text(
    """
    UPDATE estimate_disputes
       SET outcome = :outcome, owed_cents = :owed_cents, closed_by = :by, closed_at = :at
     WHERE dispute_id = :dispute_id
    """
).bindparams(bindparam("owed_cents", type_=INTEGER))


async def is_open_of(tx: Transaction, estimate_id: UUID) -> bool:
    """Whether an estimate is disputed now."""
    return bool((await tx.execute(_IS_OPEN, {"estimate_id": estimate_id})).scalar_one())


async def is_open_under(tx: Transaction, hold_id: UUID) -> bool:
    """Whether a hold is that of a dispute that is open."""
    return bool((await tx.execute(_IS_UNDER, {"hold_id": hold_id})).scalar_one())


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute whose row is ours until the commit; `course_id` is what was estimated."""

    dispute_id: UUID
    patient_id: UUID
    hold_id: UUID
    course_id: UUID
    is_closed: bool


async def lock(tx: Transaction, dispute_id: UUID) -> Dispute | None:
    row = (await tx.execute(_LOCK, {"dispute_id": dispute_id})).one_or_none()
    return row and Dispute(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


async def billed_cents(tx: Transaction, series_id: UUID) -> int:
    """What a series is charged, less what was given up of it."""
    return int((await tx.execute(_BILLED, {"series_id": series_id})).scalar_one())


async def close(
    tx: Transaction, dispute_id: UUID, outcome: Outcome, owed_cents: int | None, by: str
) -> None:
    values = {"dispute_id": dispute_id, "outcome": outcome.value, "owed_cents": owed_cents}
    await tx.execute(_CLOSE, values | {"by": by, "at": tx.now})


_DISPUTES: Table = EstimateDispute.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_RECORD = (_DISPUTES.c.recorded_at, _DISPUTES.c.dispute_id)


def open_disputes() -> Select[Any]:
    return select(*_DISPUTES.c).where(_DISPUTES.c.closed_at.is_(None))
