"""Entries above a limit are kept as they were asked for, until a second person looks at them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.billing.rules import approvals as rules
from services.billing.rules.approvals import ApprovalState, Entry
from services.billing.store import approvals as store
from services.billing.tables import Approval, ApprovalLimit, SingleEntry
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class ApprovalAsked(BaseModel):
    """Nothing is entered yet: it is above the limit, and waits for a second person."""

    approval_id: UUID
    entry: Entry
    subject_id: UUID
    patient_id: UUID | None
    amount_cents: int
    state: ApprovalState
    asked_by: str
    asked_at: datetime


async def hold(
    tx: Transaction,
    entry: Entry,
    wish: BaseModel,
    *,
    subject_id: UUID,
    patient_id: UUID | None,
    amount_cents: int,
    by: str,
) -> ApprovalAsked | None:
    """Keep an entry for a second person; `None` when one is enough, who is remembered."""
    before_cents = await store.entered_before(
        tx,
        entry,
        subject_id=subject_id,
        patient_id=patient_id,
        by=by,
        day_began_at=rules.day_begins(tx.now),
    )
    limit_cents = await store.limit_of(tx, entry)
    if not rules.needs_second_person(amount_cents, before_cents, limit_cents):
        tx.insert(
            SingleEntry,
            entry_id=new_id(),
            entry=entry.value,
            subject_id=subject_id,
            patient_id=patient_id,
            amount_cents=amount_cents,
            entered_by=by,
            entered_at=tx.now,
        )
        return None
    asked = ApprovalAsked(
        approval_id=new_id(),
        entry=entry,
        subject_id=subject_id,
        patient_id=patient_id,
        amount_cents=amount_cents,
        state=ApprovalState.PENDING,
        asked_by=by,
        asked_at=tx.now,
    )
    row = asked.model_dump() | {"entry": entry.value, "state": asked.state.value}
    tx.insert(Approval, **row, wish=wish.model_dump(mode="json"))
    return asked


class LimitListed(BaseModel):
    limit_id: UUID
    entry: Entry
    limit_cents: int
    starts_at: datetime
    source: str


class NewLimit(BaseModel):
    """Up to how much one person is enough, from now on. Nothing above 0 is ever exempt for good."""

    entry: Entry
    limit_cents: Annotated[int, Field(strict=True, ge=0, le=10_000_000)]


class LimitsListed(BaseModel):
    limits: list[LimitListed]


async def list_limits(tx: Transaction) -> LimitsListed:
    rows = await store.limits(tx)
    found = [LimitListed.model_validate(row, from_attributes=True) for row in rows]
    return LimitsListed(limits=found)


async def set_limit(wish: NewLimit, by: str, tx: Transaction) -> LimitListed:
    """Add a limit. None is changed: what was entered under one stays explained."""
    listed = LimitListed(
        limit_id=new_id(),
        entry=wish.entry,
        limit_cents=wish.limit_cents,
        starts_at=tx.now,
        source="the clinic's decision",
    )
    row = listed.model_dump() | {"entry": wish.entry.value}
    tx.insert(ApprovalLimit, **row, recorded_by=by)
    return listed


async def list_pending(asked: Paging, tx: Transaction) -> Page[ApprovalAsked] | Refused:
    """What waits for a second person, what has waited longest first."""
    return await page(
        tx,
        store.pending(),
        by=store.BY_ASKING,
        asked=asked,
        item=lambda row: ApprovalAsked.model_validate(row, from_attributes=True),
    )
