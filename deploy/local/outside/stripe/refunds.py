"""Refunds: money back to the card it came from, at once, later, or in the end not at all."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from fastapi import APIRouter

from deploy.local.outside.stripe.balance import enter
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.cards import Refunding
from deploy.local.outside.stripe.errors import invalid, missing
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params

router = APIRouter(prefix="/refunds")
_PENDS_FOR = timedelta(hours=1)
_FAILS_AFTER = timedelta(days=1)


class Failure(StrEnum):
    """Why a refund did not reach the patient, in Stripe's words."""

    DECLINED = "declined"
    DISPUTED = "charge_for_pending_refund_disputed"
    EXPIRED_OR_CANCELED_CARD = "expired_or_canceled_card"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOST_OR_STOLEN_CARD = "lost_or_stolen_card"
    UNKNOWN = "unknown"


def _charge_of(books: Books, params: Params) -> Object:
    charge_id, intent_id = params.text("charge"), params.text("payment_intent")
    if charge_id is not None:
        return find(books.charges, "charge", charge_id, param="charge")
    if intent_id is None:
        raise missing("payment_intent")
    intent = find(books.payment_intents, "payment_intent", intent_id, param="payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(
            "This PaymentIntent does not have a successful charge to refund.",
            param="payment_intent",
        )
    return books.charges[intent["latest_charge"]]


def _check(books: Books, charge: Object, amount: int | None) -> int:
    """The amount that may go back, or Stripe's refusal."""
    left = int(charge["amount_captured"] - charge["amount_refunded"])
    if not charge["paid"]:
        raise invalid("This charge did not succeed, so it cannot be refunded.", param="charge")
    if any(
        dispute["charge"] == charge["id"] and not dispute["is_charge_refundable"]
        for dispute in books.disputes.values()
    ):
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if amount is None else amount
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise invalid(
            f"Refund amount (${amount / 100:.2f}) is greater than unrefunded amount on charge "
            f"(${left / 100:.2f})",
            param="amount",
        )
    return amount


@router.post("")
async def create(books: Practice, params: Given) -> Object:
    charge = _charge_of(books, params)
    amount = params.integer("amount")
    reason = params.choice("reason", "duplicate", "fraudulent", "requested_by_customer")
    metadata, expand = params.metadata(), params.values("expand")
    params.done()
    amount = _check(books, charge, amount)
    come = books.files[charge["payment_method"]].refunds_come()
    refund = _new_refund(books, charge, amount) | {"reason": reason, "metadata": metadata}
    if come is Refunding.LATER:
        refund |= {"status": "pending", "pending_reason": "processing"}
    spent = enter(books, ("refund", "refund"), -amount, source=refund["id"])
    refund["balance_transaction"] = spent["id"]
    books.refunds[refund["id"]] = refund
    _count(charge, amount)
    books.emit("refund.created", refund)
    books.emit("charge.refunded", charge)
    _foresee(books, refund, come)
    return expanded(books, refund, expand)


def _new_refund(books: Books, charge: Object, amount: int) -> Object:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _count(charge: Object, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _foresee(books: Books, refund: Object, come: Refunding) -> None:
    """What the card's issuer will do with it of itself."""
    now = books.clock.now()
    if come is Refunding.LATER:
        books.agenda.at(
            now + _PENDS_FOR,
            lambda _due: arrive(books, refund),
            wanted=lambda: refund["status"] == "pending",
        )
    if come is Refunding.FAILING:
        books.agenda.at(
            now + _FAILS_AFTER,
            lambda _due: fail(books, refund, Failure.UNKNOWN),
            wanted=lambda: refund["status"] == "succeeded",
        )


def arrive(books: Books, refund: Object) -> None:
    """A pending refund has come to the patient's card."""
    refund["status"] = "succeeded"
    refund.pop("pending_reason", None)
    books.emit("refund.updated", refund)
    books.emit("charge.refund.updated", refund)


def fail(books: Books, refund: Object, reason: Failure) -> None:
    """The bank could not give it to the patient: it is back in our balance, and owed again."""
    returned = enter(
        books, ("refund_failure", "refund_failure"), refund["amount"], source=refund["id"]
    )
    refund |= {
        "status": "failed",
        "failure_reason": reason,
        "failure_balance_transaction": returned["id"],
    }
    refund.pop("pending_reason", None)
    charge = books.charges[refund["charge"]]
    _count(charge, -refund["amount"])
    books.emit("refund.failed", refund)
    books.emit("refund.updated", refund)
    books.emit("charge.refund.updated", refund)
    books.emit("charge.updated", charge)


@router.get("")
async def list_refunds(books: Practice, params: Given) -> Object:
    expand = params.values("expand")
    page = listed(books.refunds, params, "/v1/refunds", "charge", "payment_intent")
    return expanded(books, page, expand)


@router.get("/{refund_id}")
async def retrieve(books: Practice, refund_id: str, params: Given) -> Object:
    return expanded(books, find(books.refunds, "refund", refund_id), expansions(params))
