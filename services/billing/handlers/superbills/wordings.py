"""The words of superbills, as the clinic records them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.estimates.requests import Text
from services.billing.rules.charges.pricing import broken_by_fee
from services.billing.rules.superbills.wording import Standing, broken_by_wording
from services.billing.store import superbill_wordings as store
from services.billing.tables import SuperbillWording
from shared.http.problems import Refused
from shared.messaging import Transaction


class StatementWords(BaseModel):
    """What a superbill of one standing says of itself."""

    standing: Standing
    title: Text
    notice: Text
    assertion: Text


class NewSuperbillWording(BaseModel):
    """What superbills say from a day on. `gathers` is a month's, with `{numbers}` in it."""

    effective_from: Day
    statements: Annotated[list[StatementWords], Field(min_length=1, max_length=len(Standing))]
    gathers: Text
    source: Text


class SuperbillWordingRecorded(NewSuperbillWording):
    wording_id: int


async def record_wording(
    wish: NewSuperbillWording, tx: Transaction
) -> SuperbillWordingRecorded | Refused:
    """Add a wording. None is ever changed: a superbill says what it said."""
    broken = broken_by_fee(wish.effective_from, tx.now)
    broken += broken_by_wording([one.standing for one in wish.statements], wish.gathers)
    if broken:
        return Refused.by_rules(broken)
    wording_id = await store.next_wording_id(tx)
    tx.insert(
        SuperbillWording,
        wording_id=wording_id,
        effective_from=wish.effective_from,
        statements={
            one.standing.value: one.model_dump(exclude={"standing"}) for one in wish.statements
        },
        gathers=wish.gathers,
        source=wish.source,
        recorded_at=tx.now,
    )
    return SuperbillWordingRecorded(wording_id=wording_id, **wish.model_dump())
