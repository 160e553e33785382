"""Checkout sessions: a page at Stripe on which a patient pays, or leaves a card.

They expire by the clock, 24 hours after they were made unless they say otherwise.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter

from deploy.local.outside.stripe import payment_intents, setup_intents
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.checkout_lines import Checkout, read_lines
from deploy.local.outside.stripe.errors import invalid, missing
from deploy.local.outside.stripe.listing import find, listed, paged
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params

router = APIRouter(prefix="/checkout/sessions")
_SOONEST_END = timedelta(minutes=30)
_LATEST_END = timedelta(hours=24)


@router.post("")
async def create(books: Practice, params: Given) -> Object:
    mode = params.choice("mode", "payment", "setup")
    if mode is None:
        raise missing("mode")
    session = _new_session(books, params, mode)
    checkout = _for_payment(books, params, session) if mode == "payment" else None
    checkout = checkout or _for_setup(books, params, session)
    expand = params.values("expand")
    params.ignore("locale", "payment_method_options", "submit_type", "custom_text")
    params.done()
    books.checkouts[session["id"]] = checkout
    books.sessions_of_intents[checkout.intent["id"]] = session
    books.checkout_sessions[session["id"]] = session
    if mode == "setup":
        setup_intents.put_down(books, checkout.intent)
    books.agenda.at(
        datetime.fromtimestamp(session["expires_at"], UTC),
        lambda _due: expire_now(books, session),
        wanted=lambda: session["status"] == "open",
    )
    return _shown(books, session, expand)


def _new_session(books: Books, params: Params, mode: str) -> Object:
    customer, email = params.text("customer"), params.text("customer_email")
    if customer is not None:
        find(books.customers, "customer", customer, param="customer")
        if email is not None:
            raise invalid(
                "You may only specify one of these parameters: customer, customer_email.",
                param="customer_email",
            )
    kinds = params.values("allowed_payment_method_types") or ["card"]
    if kinds != ["card"]:
        raise invalid("This account takes cards.", param="allowed_payment_method_types")
    success_url = params.web_address("success_url")
    if success_url is None:
        raise missing("success_url")
    session_id = new_id("cs_test")
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False} if mode == "payment" else None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": params.web_address("cancel_url"),
        "client_reference_id": params.text("client_reference_id", longest=200),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": books.now(),
        "currency": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": customer,
        "customer_account": None,
        "customer_creation": _customer_creation(params, mode, customer),
        "customer_details": None,
        "customer_email": email,
        "discounts": [],
        "expires_at": _expires_at(books, params),
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": params.metadata(),
        "mode": mode,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required" if mode == "payment" else "always",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": kinds,
        "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": success_url,
        "total_details": None,
        "ui_mode": params.choice("ui_mode", "hosted_page") or "hosted_page",
        "url": f"{books.base_url}/stripe/checkout/{session_id}",
        "wallet_options": None,
    }


def _customer_creation(params: Params, mode: str, customer: str | None) -> str | None:
    chosen = params.choice("customer_creation", "always", "if_required")
    if chosen is not None and (mode != "payment" or customer is not None):
        raise invalid(
            "`customer_creation` can only be used in `payment` mode without a `customer`.",
            param="customer_creation",
        )
    return chosen or ("if_required" if mode == "payment" and customer is None else None)


def _expires_at(books: Books, params: Params) -> int:
    asked = params.integer("expires_at")
    if asked is None:
        return books.now() + int(_LATEST_END.total_seconds())
    ahead = timedelta(seconds=asked - books.now())
    if ahead < _SOONEST_END:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            param="expires_at",
        )
    if ahead > _LATEST_END:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return asked


def _for_payment(books: Books, params: Params, session: Object) -> Checkout:
    """The lines and their sum; the intent stays unknown until somebody pays."""
    lines = read_lines(params)
    total = sum(line["amount_total"] for line in lines)
    data = (params.group("payment_intent_data") or Params({}, "payment_intent_data")).joined(
        amount=str(total), currency="usd", customer=session["customer"]
    )
    intent = payment_intents.new_intent(books, data)
    data.done()
    session |= {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": "usd",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }
    return Checkout(intent, lines)


def _for_setup(books: Books, params: Params, session: Object) -> Checkout:
    data = (params.group("setup_intent_data") or Params({}, "setup_intent_data")).joined(
        customer=session["customer"]
    )
    currency = params.choice("currency", "usd")
    intent = setup_intents.new_setup(books, data)
    data.done()
    session |= {"setup_intent": intent["id"], "currency": currency}
    return Checkout(intent)


def expire_now(books: Books, session: Object) -> None:
    """Nobody can pay on it any more; an intent that it made is given up."""
    session |= {"status": "expired", "url": None}
    intent = books.checkouts[session["id"]].intent
    if session["payment_intent"] is not None and payment_intents.is_open(intent):
        payment_intents.give_up(books, intent, "expired")
    if session["setup_intent"] is not None and setup_intents.is_open(intent):
        setup_intents.give_up(books, intent, "abandoned")
    books.emit("checkout.session.expired", session)


def _shown(books: Books, session: Object, expand: list[str]) -> Object:
    with_lines = "line_items" in expand
    shown = expanded(books, session, [path for path in expand if path != "line_items"])
    if with_lines:
        shown["line_items"] = _lines(books, session["id"], Params({}))
    return shown


def _lines(books: Books, session_id: str, params: Params) -> Object:
    lines = books.checkouts[session_id].lines
    return paged(reversed(lines), params, f"/v1/checkout/sessions/{session_id}/line_items")


@router.get("")
async def list_sessions(books: Practice, params: Given) -> Object:
    fields = ("customer", "payment_intent", "status")
    return listed(books.checkout_sessions, params, "/v1/checkout/sessions", *fields)


@router.get("/{session_id}")
async def retrieve(books: Practice, session_id: str, params: Given) -> Object:
    session = find(books.checkout_sessions, "checkout.session", session_id)
    return _shown(books, session, expansions(params))


@router.get("/{session_id}/line_items")
async def list_lines(books: Practice, session_id: str, params: Given) -> Object:
    find(books.checkout_sessions, "checkout.session", session_id)
    return _lines(books, session_id, params)


@router.post("/{session_id}/expire")
async def expire(books: Practice, session_id: str, params: Given) -> Object:
    session = find(books.checkout_sessions, "checkout.session", session_id)
    expand = params.values("expand")
    params.done()
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}.",
        )
    expire_now(books, session)
    return _shown(books, session, expand)
