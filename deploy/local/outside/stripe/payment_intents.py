"""PaymentIntents, and the charges they make."""

from __future__ import annotations

import re

from fastapi import APIRouter

from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import (
    Anyone,
    Given,
    IsSecret,
    Practice,
    check_client,
    expanded,
    expansions,
)
from deploy.local.outside.stripe.charging import settle
from deploy.local.outside.stripe.checkout_completion import refuse_of_checkout
from deploy.local.outside.stripe.errors import StripeProblem, invalid, missing
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params
from deploy.local.outside.stripe.searching import search
from deploy.local.outside.stripe.setup_intents import choose_kinds, choose_method

router = APIRouter(prefix="/payment_intents")
_OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_LEAST_CENTS = 50
_MOST_CENTS = 99_999_999
_DESCRIPTOR_SUFFIX = 22


def new_intent(books: Books, params: Params) -> Object:
    """An intent that nobody knows of yet."""
    amount = params.integer("amount")
    if amount is None:
        raise missing("amount")
    if amount < _LEAST_CENTS:
        raise invalid("Amount must be at least $0.50 usd", param="amount", code="amount_too_small")
    if amount > _MOST_CENTS:
        raise invalid(
            "Amount must be no more than $999,999.99", param="amount", code="amount_too_large"
        )
    currency = params.needed("currency").lower()
    if currency != "usd":
        raise invalid(f"Invalid currency: {currency}. This account takes usd.", param="currency")
    customer = params.text("customer")
    if customer is not None:
        find(books.customers, "customer", customer, param="customer")
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.choice("capture_method", "automatic", "automatic_async")
        or "automatic_async",
        "client_secret": f"{intent_id}_secret_{new_id('x')[2:]}",
        "confirmation_method": params.choice("confirmation_method", "automatic") or "automatic",
        "created": books.now(),
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": params.text("description", longest=1000),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.metadata(),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": params.values("payment_method_types") or ["card"],
        "processing": None,
        "receipt_email": params.text("receipt_email"),
        "review": None,
        "setup_future_usage": params.choice("setup_future_usage", "off_session", "on_session"),
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": params.text(
            "statement_descriptor_suffix", longest=_DESCRIPTOR_SUFFIX
        ),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def put_down(books: Books, intent: Object) -> None:
    """Make a new intent known."""
    books.payment_intents[intent["id"]] = intent
    books.emit("payment_intent.created", intent)


@router.post("")
async def create(books: Practice, params: Given) -> Object:
    intent = new_intent(books, params)
    choose_kinds(params, intent)
    confirm, off_session = params.flag("confirm"), params.flag("off_session")
    error_on_action, expand = params.flag("error_on_requires_action"), params.values("expand")
    choose_method(books, params, intent)
    params.done()
    if off_session and not confirm:
        raise invalid("You can only use off_session when confirm=true.", param="off_session")
    if confirm and intent["payment_method"] is None:
        raise missing("payment_method")
    if intent["payment_method"] is not None:
        intent["status"] = "requires_confirmation"
    put_down(books, intent)
    if confirm:
        settle(books, intent, off_session=off_session, error_on_action=error_on_action)
    return expanded(books, intent, expand)


@router.get("")
async def list_payment_intents(books: Practice, params: Given) -> Object:
    expand = params.values("expand")
    page = listed(books.payment_intents, params, "/v1/payment_intents", "customer")
    return expanded(books, page, expand)


@router.get("/search")
async def search_payment_intents(books: Practice, params: Given) -> Object:
    return search(books.payment_intents, params, "/v1/payment_intents/search")


@router.get("/{intent_id}")
async def retrieve(books: Anyone, intent_id: str, params: Given, secret: IsSecret) -> Object:
    intent = find(books.payment_intents, "payment_intent", intent_id)
    check_client(intent, params, secret=secret)
    return expanded(books, intent, expansions(params))


@router.post("/{intent_id}/confirm")
async def confirm(books: Anyone, intent_id: str, params: Given, secret: IsSecret) -> Object:
    intent = find(books.payment_intents, "payment_intent", intent_id)
    check_client(intent, params, secret=secret)
    _check_open(intent, "confirm")
    refuse_of_checkout(books, intent)
    off_session, expand = params.flag("off_session"), params.values("expand")
    error_on_action = params.flag("error_on_requires_action")
    choose_method(books, params, intent)
    params.done()
    settle(books, intent, off_session=off_session, error_on_action=error_on_action)
    return expanded(books, intent, expand)


@router.post("/{intent_id}/cancel")
async def cancel(books: Practice, intent_id: str, params: Given) -> Object:
    intent = find(books.payment_intents, "payment_intent", intent_id)
    reason = params.choice(
        "cancellation_reason", "abandoned", "duplicate", "fraudulent", "requested_by_customer"
    )
    params.ignore("expand")
    params.done()
    _check_open(intent, "cancel")
    refuse_of_checkout(books, intent)
    give_up(books, intent, reason)
    return intent


def give_up(books: Books, intent: Object, reason: str | None) -> None:
    """Cancel it: it will never charge anybody."""
    intent |= {
        "status": "canceled",
        "canceled_at": books.now(),
        "cancellation_reason": reason,
        "next_action": None,
    }
    books.emit("payment_intent.canceled", intent)


def is_open(intent: Object) -> bool:
    return intent["status"] in _OPEN


def _check_open(intent: Object, verb: str) -> None:
    if not is_open(intent):
        raise StripeProblem(
            400,
            "invalid_request_error",
            f"You cannot {verb} this PaymentIntent because it has a status of "
            f"{re.sub('_', ' ', intent['status'])}.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
