"""Money that Stripe took and that no charge waits for: kept on a list until it is given back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from pydantic import BaseModel, StringConstraints, computed_field

from services.billing.rules.books import ledger
from services.billing.store import unmatched as store
from services.billing.store.ledger import post, post_again
from services.billing.work import Captured, LookAtPayment
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.money import dollars
from shared.written import told

log = structlog.get_logger(__name__)

PaymentIntentId = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^pi_[A-Za-z0-9_]{1,250}$", "Stripe's id of a payment, which begins with pi_")
    ),
]


class UnmatchedListed(BaseModel):
    """A payment at Stripe beside what its charge was owed; `left_cents` did not go back yet.

    One that `is_won_back` paid the charge until its bank took it, and came back after all.
    """

    payment_intent_id: str
    payment_id: UUID
    charge_id: UUID
    attempt_id: UUID
    patient_id: UUID
    amount_cents: int
    left_cents: int
    is_won_back: bool
    noticed_at: datetime

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What happened, and what to do about it."""
        amount = dollars(self.amount_cents)
        if self.is_won_back:
            why = (
                f"The cardholder's bank gave back {amount} after all, and the charge was settled"
                " otherwise meanwhile."
            )
        else:
            why = (
                f"Stripe took {amount} for a try that had ended, and the charge does not wait for"
                " it."
            )
        return (
            f"{why} Give back {dollars(self.left_cents)}:"
            f" POST /payments/{self.payment_id}/refunds with the reason nothing_owed. If that was"
            " done in Stripe's dashboard, note it:"
            f" POST /unmatched-payments/{self.payment_intent_id}/returned."
        )


class PaymentReturned(BaseModel):
    payment_intent_id: str
    patient_id: UUID
    returned_at: datetime


async def note(captured: Captured, patient_id: UUID, tx: Transaction) -> None:
    """Nothing is parked for it: what is on the list stays there whatever is discarded."""
    if await store.note(tx, captured, patient_id):
        posting = ledger.unmatched_taken(
            patient_id, captured.payment_intent_id, captured.amount_cents, tx.now
        )
        post(tx, posting)
        log.warning("payment_unmatched")


async def look_again(charge_id: UUID, tx: Transaction) -> None:
    """A try ended without money: what was taken beside it pays the charge instead of the next."""
    for payment_intent_id in await store.of_charge(tx, charge_id):
        tx.do(LookAtPayment(payment_intent_id=payment_intent_id), key=f"look:{payment_intent_id}")


async def list_unmatched(asked: Paging, tx: Transaction) -> Page[UnmatchedListed] | Refused:
    """What has to be given back, what has waited longest first."""
    return await page(
        tx,
        store.waiting(),
        by=store.BY_NOTICE,
        asked=asked,
        item=lambda row: UnmatchedListed.model_validate(row, from_attributes=True),
    )


async def note_return(payment_intent_id: str, tx: Transaction) -> PaymentReturned | Refused:
    """A person has given the money back at Stripe."""
    returned = await store.give_back(tx, payment_intent_id)
    if returned is None:
        return Refused.not_found("unmatched payment")
    if returned.left_cents > 0:
        posting = ledger.unmatched_returned(
            returned.patient_id, payment_intent_id, returned.left_cents, tx.now
        )
        await post_again(tx, posting)
    return PaymentReturned(
        payment_intent_id=payment_intent_id,
        patient_id=returned.patient_id,
        returned_at=returned.returned_at,
    )
