"""The fee schedule: what a visit costs, from which day on."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.billing.rules.pricing import fee_starts_at
from services.billing.store import visits as store
from services.billing.tables import Fee
from shared.events.billing import PositiveCents
from shared.events.scheduling import VisitType
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.money import dollars

Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


class NewFee(BaseModel):
    """A fee that is in force from a day on, until the next one begins."""

    visit_type: VisitType
    amount_cents: PositiveCents
    effective_from: Day


class FeeRecorded(NewFee):
    fee_id: UUID


async def record_fee(wish: NewFee, tx: Transaction) -> FeeRecorded | Refused:
    """Add a fee. None is ever changed: what an infusion cost stays what it was."""
    known = await store.find_fee(
        tx, visit_type=wish.visit_type.value, effective_from=wish.effective_from
    )
    if known is not None:
        return Refused.because(
            "fee_exists",
            f"A fee of {dollars(known)} starts that day already. Choose another day.",
            field="effective_from",
        )
    recorded = FeeRecorded(fee_id=new_id(), **wish.model_dump())
    tx.insert(
        Fee,
        fee_id=recorded.fee_id,
        visit_type=wish.visit_type.value,
        amount_cents=wish.amount_cents,
        effective_from=wish.effective_from,
        starts_at=fee_starts_at(wish.effective_from),
        recorded_at=tx.now,
    )
    return recorded
