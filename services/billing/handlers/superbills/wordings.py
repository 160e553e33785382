"""The words of superbills, as the clinic records them."""

from __future__ import annotations

from dataclasses import asdict
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


class WordsOfReceipt(BaseModel):
    """What the receipt for a health account says; `description` is of any visit, without why."""

    title: Text
    description: Text
    notice: Text


class WordsOfCorrection(BaseModel):
    """Why a version takes an earlier one's place."""

    refund: Text
    record: Text
    payment: Text
    visit: Text


class NewSuperbillWording(BaseModel):
    """What superbills say from a day on. `gathers` is a month's, with `{numbers}` in it.

    Without words of its own the receipt keeps those that are in force that day, and so do the
    corrections.
    """

    effective_from: Day
    statements: Annotated[list[StatementWords], Field(min_length=1, max_length=len(Standing))]
    gathers: Text
    source: Text
    receipt: WordsOfReceipt | None = None
    corrections: WordsOfCorrection | None = None


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
    before = await store.wording_on(tx, wish.effective_from)
    receipt = wish.receipt or WordsOfReceipt(**asdict(before.receipt))
    corrections = wish.corrections or WordsOfCorrection(**before.corrections)
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
        receipt=receipt.model_dump(),
        corrections=corrections.model_dump(),
    )
    recorded = wish.model_dump() | {"receipt": receipt, "corrections": corrections}
    return SuperbillWordingRecorded(wording_id=wording_id, **recorded)
