"""Charges: money that moved, or did not."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.balance import enter_charge
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.cards import Decline
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id

router = APIRouter(prefix="/charges")


def charge_card(books: Books, intent: Object, method: Object, decline: Decline | None) -> Object:
    """A charge for a whole intent: paid, or failed with the issuer's reason."""
    paid = decline is None
    charge: Object = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SIMULATED CLINIC",
        "captured": paid,
        "created": books.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(decline),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "amount_authorized": intent["amount"] if paid else None,
                "authorization_code": new_id("a")[2:8].upper() if paid else None,
                "brand": method["card"]["brand"],
                "checks": method["card"]["checks"],
                "country": "US",
                "exp_month": method["card"]["exp_month"],
                "exp_year": method["card"]["exp_year"],
                "extended_authorization": {"status": "disabled"},
                "fingerprint": method["card"]["fingerprint"],
                "funding": method["card"]["funding"],
                "incremental_authorization": {"status": "unavailable"},
                "installments": None,
                "last4": method["card"]["last4"],
                "mandate": None,
                "multicapture": {"status": "unavailable"},
                "network": method["card"]["brand"],
                "network_token": {"used": False},
                "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
                "three_d_secure": None,
                "wallet": None,
            },
        },
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded" if paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }
    books.charges[charge["id"]] = charge
    if paid:
        at_once = books.files[method["id"]].card.available_at_once
        charge["balance_transaction"] = enter_charge(books, charge, at_once=at_once)["id"]
    return charge


def _outcome(decline: Decline | None) -> Object:
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": decline.advice_code,
        "network_advice_code": decline.network_advice,
        "network_decline_code": decline.network,
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


@router.get("")
async def list_charges(books: Practice, params: Given) -> Object:
    return listed(books.charges, params, "/v1/charges", "customer", "payment_intent")


@router.get("/{charge_id}")
async def retrieve(books: Practice, charge_id: str, params: Given) -> Object:
    return expanded(books, find(books.charges, "charge", charge_id), expansions(params))
