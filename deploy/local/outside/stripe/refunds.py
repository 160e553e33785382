"""Refunds: money back to the card it came from."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.books import Books, Object, new_id
from deploy.local.outside.stripe.calls import Given, Practice
from deploy.local.outside.stripe.errors import invalid, missing
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.params import Params

router = APIRouter(prefix="/refunds")


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


@router.post("")
async def create(books: Practice, params: Given) -> Object:
    charge = _charge_of(books, params)
    amount = params.integer("amount")
    reason = params.choice("reason", "duplicate", "fraudulent", "requested_by_customer")
    metadata = params.metadata()
    params.ignore("expand")
    params.done()
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["paid"]:
        raise invalid("This charge did not succeed, so it cannot be refunded.", param="charge")
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if amount is None else amount
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    refund: Object = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": charge["id"],
        "created": books.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "description": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": None,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    books.refunds[refund["id"]] = refund
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    books.emit("refund.created", refund)
    books.emit("charge.refunded", charge)
    return refund


@router.get("")
async def list_refunds(books: Practice, params: Given) -> Object:
    charge, intent = params.text("charge"), params.text("payment_intent")
    return listed(
        books.refunds,
        params,
        "/v1/refunds",
        lambda refund: (
            (charge is None or refund["charge"] == charge)
            and (intent is None or refund["payment_intent"] == intent)
        ),
    )


@router.get("/{refund_id}")
async def retrieve(books: Practice, refund_id: str) -> Object:
    return find(books.refunds, "refund", refund_id)
