"""Limits in force, and entries that wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.approvals import ApprovalState, Entry
from services.billing.tables import Approval
from shared.messaging import Transaction

_LIMIT = text(
    """
    SELECT limit_cents FROM approval_limits
     WHERE entry = :entry AND starts_at <= :at
     ORDER BY starts_at DESC, limit_id DESC LIMIT 1
    """
)

_ONE_BY_ONE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('single_entries ' || :patient_id, 0))"
)

_ENTERED_BEFORE = text(
    """
    SELECT coalesce(sum(amount_cents), 0)::bigint FROM single_entries
     WHERE (patient_id = :patient_id OR (:patient_id IS NULL AND patient_id IS NULL))
       AND entry = :entry AND entered_by = :by
       AND (subject_id = :subject_id OR entered_at >= :day_began_at)
    """
).bindparams(bindparam("patient_id", type_=PG_UUID))

_LIMITS = text(
    """
    SELECT DISTINCT ON (entry) limit_id, entry, limit_cents, starts_at, source
      FROM approval_limits WHERE starts_at <= :at
     ORDER BY entry, starts_at DESC, limit_id DESC
    """
)

_LOCK = text(
    """
    SELECT entry, subject_id, patient_id, amount_cents, wish, state, asked_by FROM approvals
     WHERE approval_id = :approval_id FOR UPDATE
    """
)

_DECIDE = text(
    """
    UPDATE approvals SET state = :state, decided_by = :by, decided_at = :at
     WHERE approval_id = :approval_id
    """
)


async def limit_of(tx: Transaction, entry: Entry) -> int:
    """The cents up to which one person is enough now."""
    return int((await tx.execute(_LIMIT, {"entry": entry.value, "at": tx.now})).scalar_one())


async def entered_before(
    tx: Transaction,
    entry: Entry,
    *,
    subject_id: UUID,
    patient_id: UUID | None,
    by: str,
    day_began_at: datetime,
) -> int:
    """The cents that a person entered alone: for one thing ever, for one patient since midnight.

    What is of no patient counts together. Whoever enters something of the same kind for the
    patient meanwhile waits.
    """
    asked = {
        "entry": entry.value,
        "subject_id": subject_id,
        "patient_id": patient_id,
        "by": by,
        "day_began_at": day_began_at,
    }
    await tx.execute(_ONE_BY_ONE, {"patient_id": str(patient_id)})
    return int((await tx.execute(_ENTERED_BEFORE, asked)).scalar_one())


async def limits(tx: Transaction) -> Sequence[Row[tuple[Any, ...]]]:
    """The limit of each entry that is in force now."""
    return (await tx.execute(_LIMITS, {"at": tx.now})).all()


async def lock(tx: Transaction, approval_id: UUID) -> Any | None:
    """An entry that waits or waited; its row is ours until the commit."""
    return (await tx.execute(_LOCK, {"approval_id": approval_id})).one_or_none()


async def decide(tx: Transaction, approval_id: UUID, state: ApprovalState, by: str) -> None:
    decided = {"approval_id": approval_id, "state": state.value, "by": by, "at": tx.now}
    await tx.execute(_DECIDE, decided)


_APPROVALS: Table = Approval.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_ASKING = (_APPROVALS.c.asked_at, _APPROVALS.c.approval_id)


def pending() -> Select[Any]:
    """All that waits for a second person."""
    return select(*_APPROVALS.c).where(_APPROVALS.c.state == ApprovalState.PENDING.value)
