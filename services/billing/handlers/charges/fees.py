"""The fee schedule: what a visit costs, from which day on."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.billing.handlers.charges.posting import leave_late
from services.billing.handlers.estimates import terms
from services.billing.rules.charges.pricing import broken_by_fee, fee_starts_at
from services.billing.store import fees as store
from services.billing.tables import Fee
from shared.events.scheduling import TypeCode
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.written import A_DAY

FeeCents = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Day = Annotated[
    date,
    Field(
        ge=date(2000, 1, 1),
        lt=date(2100, 1, 1),
        json_schema_extra={"pattern": "^20"},  # JSON Schema has no word for the first and last day
    ),
    A_DAY,
]


class NewFee(BaseModel):
    """A fee that is in force from a day on, until the next one begins.

    Nothing is a fee too: that of a session which the clinic includes in something else.
    """

    visit_type: TypeCode
    amount_cents: FeeCents
    effective_from: Day


class FeeCorrected(BaseModel):
    """A fee that no longer counts. Charges that were posted at it keep its amount."""

    fee_id: UUID
    amount_cents: int


class FeeRecorded(NewFee):
    """`corrects` names the fee of the same day that this one takes the place of.

    `charges_now` counts completed infusions and sessions that waited for it.
    """

    fee_id: UUID
    corrects: FeeCorrected | None
    charges_now: int


async def record_fee(wish: NewFee, tx: Transaction) -> FeeRecorded | Refused:
    """Add a fee. None is ever changed: what an infusion cost stays what it was.

    Whoever prices an infusion meanwhile is waited for, so that none is missed by both.
    """
    if broken := broken_by_fee(wish.effective_from, tx.now):
        return Refused.by_rules(broken)
    visit_type = wish.visit_type
    await store.change(tx)
    known = await store.find_fee(tx, visit_type, wish.effective_from)
    fee_id = new_id()
    tx.insert(
        Fee,
        fee_id=fee_id,
        visit_type=visit_type,
        amount_cents=wish.amount_cents,
        effective_from=wish.effective_from,
        revision=1 if known is None else known.revision + 1,
        starts_at=fee_starts_at(wish.effective_from),
        recorded_at=tx.now,
    )
    leave_late(tx, visit_type)
    terms.review_type(tx, visit_type)
    return FeeRecorded(
        fee_id=fee_id,
        corrects=known and FeeCorrected(fee_id=known.fee_id, amount_cents=known.amount_cents),
        charges_now=await store.count_covered(tx, visit_type),
        **wish.model_dump(),
    )
