"""`/control/stripe`: cardholders, their banks and Stripe, who do of themselves what no call can.

The issuer that stops trusting a card or is slow to give money back, the cardholder who proves who
they are, the bank that disputes a charge and decides the dispute; Stripe, which takes its own fees.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.outside.stripe import balance, dispute_course, refunds
from deploy.local.outside.stripe.cards import BY_DECLINE_CODE, CardOnFile, Refunding
from deploy.local.outside.stripe.checkout_payments import answer_bank
from deploy.local.outside.stripe.errors import StripeProblem
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.world import TheWorld

router = APIRouter(prefix="/control/stripe")


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IssuerSays(_Asked):
    """What a card's issuer answers from now on; null is what the test card does by itself."""

    decline_code: str | None


class Renewed(_Asked):
    """What an issuer prints on the card that it sends in another's place."""

    exp_month: Annotated[int, Field(ge=1, le=12)]
    exp_year: Annotated[int, Field(ge=2026, le=2099)]
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")] | None = None


class Authentication(_Asked):
    """How the cardholder fares when the bank asks who they are."""

    outcome: Literal["passes", "fails"]


class MoneyBack(_Asked):
    """How refunds to one card come from now on; null is as the test card has it."""

    come: Refunding | None


class RefundEnds(_Asked):
    """What became of a refund."""

    outcome: Literal["succeeded", "failed"]
    failure_reason: refunds.Failure = refunds.Failure.UNKNOWN


class Doubts(_Asked):
    """What a cardholder's bank says of a charge."""

    reason: Annotated[str, Field(pattern=f"^({'|'.join(dispute_course.REASONS)})$")] = "fraudulent"
    amount_cents: Annotated[int, Field(ge=1)] | None = None
    is_inquiry: bool = False
    answer_within_days: Annotated[float, Field(gt=0, le=60)] = 7


class StripeMoves(_Asked):
    """Money that Stripe moves of itself: a fee of its own, a reserve. Below zero it is taken."""

    type: Annotated[str, Field(pattern="^[a-z_]{3,40}$")]
    reporting_category: Annotated[str, Field(pattern="^[a-z_]{3,40}$")]
    amount_cents: int
    description: str | None = None


class BankDecides(_Asked):
    """The bank's answer to a dispute."""

    outcome: Literal["won", "lost", "escalated", "reversed"]


@router.get("/calls")
async def calls(world: TheWorld) -> dict[str, Any]:
    """The last calls that were granted, word for word."""
    return {"calls": world.stripe.conversation.shown()}


def _file(world: TheWorld, method_id: str) -> CardOnFile:
    file = world.stripe.files.get(method_id)
    if file is None:
        raise HTTPException(404, f"no payment method {method_id}")
    return file


@router.put("/payment_methods/{method_id}/issuer")
async def issuer_says(world: TheWorld, method_id: str, says: IssuerSays) -> dict[str, Any]:
    file = _file(world, method_id)
    if says.decline_code is not None and says.decline_code not in BY_DECLINE_CODE:
        raise HTTPException(422, f"decline_code must be one of {', '.join(BY_DECLINE_CODE)}")
    file.issuer_now_says = BY_DECLINE_CODE[says.decline_code] if says.decline_code else None
    return {"payment_method": method_id, "issuer_now_says": says.decline_code}


@router.post("/payment_methods/{method_id}/renew")
async def issuer_renews(world: TheWorld, method_id: str, card: Renewed) -> dict[str, Any]:
    """The issuer tells the network of a card that it renewed, and Stripe's account updater hears.

    A card that is on no customer is not kept up to date.
    """
    books = world.stripe
    method = _found(books.payment_methods, method_id)
    if method["customer"] is None:
        raise HTTPException(409, "this card is on no customer")
    method["card"] |= card.model_dump(exclude_none=True)
    books.emit("payment_method.automatically_updated", method)
    return method


@router.post("/intents/{intent_id}/authenticate")
async def authenticate(world: TheWorld, intent_id: str, how: Authentication) -> dict[str, Any]:
    """The cardholder answers the bank about an intent that requires action."""
    books = world.stripe
    intent = books.setup_intents.get(intent_id) or books.payment_intents.get(intent_id)
    if intent is None or intent["status"] != "requires_action":
        raise HTTPException(409, "no such intent that waits for its cardholder")
    # the browser sees a refusal; the practice learns of it by webhook
    with contextlib.suppress(StripeProblem):
        answer_bank(books, intent, passes=how.outcome == "passes")
    return intent


def _found(shelf: dict[str, Object], object_id: str) -> Object:
    found = shelf.get(object_id)
    if found is None:
        raise HTTPException(404, f"no {object_id}")
    return found


@router.put("/payment_methods/{method_id}/refunds")
async def money_comes_back(world: TheWorld, method_id: str, how: MoneyBack) -> dict[str, Any]:
    file = _file(world, method_id)
    file.refunds_now_come = how.come
    return {"payment_method": method_id, "come": file.refunds_come()}


@router.post("/refunds/{refund_id}")
async def refund_ends(world: TheWorld, refund_id: str, how: RefundEnds) -> dict[str, Any]:
    """A pending refund arrives or fails; one that arrived may still fail."""
    refund = _found(world.stripe.refunds, refund_id)
    allowed = {"pending": {"succeeded", "failed"}, "succeeded": {"failed"}}
    if how.outcome not in allowed.get(refund["status"], set()):
        raise HTTPException(409, f"this refund is {refund['status']}")
    if how.outcome == "failed":
        refunds.fail(world.stripe, refund, how.failure_reason)
    else:
        refunds.arrive(world.stripe, refund)
    return refund


@router.post("/charges/{charge_id}/dispute", status_code=201)
async def bank_disputes(world: TheWorld, charge_id: str, doubts: Doubts) -> dict[str, Any]:
    books = world.stripe
    charge = _found(books.charges, charge_id)
    if not charge["paid"] or charge["disputed"]:
        raise HTTPException(409, "this charge is disputed already, or was never paid")
    if doubts.amount_cents is not None and doubts.amount_cents > charge["amount"]:
        raise HTTPException(422, "no more can be disputed than was paid")
    return dispute_course.open_dispute(
        books,
        charge,
        reason=doubts.reason,
        amount_cents=doubts.amount_cents,
        is_inquiry=doubts.is_inquiry,
        answer_within=timedelta(days=doubts.answer_within_days),
    )


@router.post("/disputes/{dispute_id}")
async def bank_decides(world: TheWorld, dispute_id: str, says: BankDecides) -> dict[str, Any]:
    """An inquiry is closed by either outcome, or becomes a chargeback; a decision is reversed."""
    dispute = _found(world.stripe.disputes, dispute_id)
    if says.outcome == "reversed":
        if dispute["status"] not in {"won", "lost"}:
            raise HTTPException(409, "nothing is decided that could be reversed")
        dispute_course.reverse(world.stripe, dispute)
        return dispute
    if dispute["status"] not in dispute_course.OPEN:
        raise HTTPException(409, f"this dispute is {dispute['status']}")
    if says.outcome != "escalated":
        dispute_course.decide(world.stripe, dispute, says.outcome)
    elif dispute["status"].startswith("warning_"):
        dispute_course.escalate(world.stripe, dispute)
    else:
        raise HTTPException(409, "this dispute is a chargeback already")
    return dispute


@router.post("/balance_transactions", status_code=201)
async def stripe_moves(world: TheWorld, moves: StripeMoves) -> dict[str, Any]:
    """Of no object: it is the whole of its balance transaction."""
    return balance.enter(
        world.stripe,
        (moves.type, moves.reporting_category),
        moves.amount_cents,
        source=None,
        description=moves.description,
    )
