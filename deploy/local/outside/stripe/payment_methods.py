"""PaymentMethods: cards, by test number or by Stripe's well-known names."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter

from deploy.local.outside.stripe import cards
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import Anyone, Given, Practice, expanded, expansions
from deploy.local.outside.stripe.cards import CardOnFile, Decline, TestCard
from deploy.local.outside.stripe.errors import StripeProblem, invalid, missing, no_such
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params

router = APIRouter(prefix="/payment_methods")
_MONTHS = 12


def card_error(decline: Decline, **more: Any) -> StripeProblem:
    """The 402 that says why a card is refused."""
    told: dict[str, Any] = {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "advice_code": decline.advice_code,
        "network_advice_code": decline.network_advice,
        "network_decline_code": decline.network,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
    }
    told = {name: value for name, value in told.items() if value is not None}
    return StripeProblem(402, "card_error", decline.message, **told, **more)


def put_on_file(
    books: Books, card: TestCard, *, exp_month: int, exp_year: int, billing: Object | None = None
) -> Object:
    """A new PaymentMethod for a card."""
    method: Object = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": {
                "city": None,
                "country": None,
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        }
        | (billing or {}),
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": f"fp{card.number[-8:]}",
            "funding": card.funding,
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": books.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    books.payment_methods[method["id"]] = method
    books.files[method["id"]] = CardOnFile(card)
    return method


def from_data(books: Books, params: Params) -> Object:
    """A PaymentMethod from `type`, `card` and what goes with them."""
    if params.choice("type", "card") is None:
        raise missing("type")
    given = params.group("card")
    if given is None:
        raise missing("card")
    details = params.group("billing_details")
    billing: Object = {}
    if details is not None:
        billing = {name: details.text(name) for name in ("name", "email", "phone")}
        details.ignore("address")
        details.done()
    metadata = params.metadata()
    params.ignore("allow_redisplay", "expand")
    params.done()
    card, month, year = _read_card(books, given)
    method = put_on_file(books, card, exp_month=month, exp_year=year, billing=billing)
    method["metadata"] = metadata
    return method


def _read_card(books: Books, given: Params) -> tuple[TestCard, int, int]:
    today = books.clock.now()
    token = given.text("token")
    if token is not None:
        given.done()
        card = cards.named(token)
        if card is None:
            raise no_such("token", token, param="card[token]", status=400)
        return card, _MONTHS, today.year + 4
    number = given.needed("number").replace(" ", "").replace("-", "")
    month, year = given.integer("exp_month"), given.integer("exp_year")
    given.ignore("cvc")
    given.done()
    if not re.fullmatch(r"[0-9]{12,19}", number) or not cards.passes_luhn(number):
        raise card_error(cards.INCORRECT_NUMBER, param="number")
    if month is None or not 1 <= month <= _MONTHS:
        raise StripeProblem(
            402,
            "card_error",
            "Your card's expiration month is invalid.",
            code="invalid_expiry_month",
            param="exp_month",
        )
    if year is None or (year, month) < (today.year, today.month):
        raise StripeProblem(
            402,
            "card_error",
            "Your card's expiration year is invalid.",
            code="invalid_expiry_year",
            param="exp_year",
        )
    found = cards.BY_NUMBER.get(number)
    if found is None:
        raise card_error(cards.NOT_A_TEST_CARD)
    return found, month, year


def named_or_found(books: Books, method_id: str, *, param: str = "payment_method") -> Object:
    """A PaymentMethod by id. Each use of a well-known name makes a new one, as at Stripe."""
    card = cards.named(method_id)
    if card is not None:
        return put_on_file(books, card, exp_month=_MONTHS, exp_year=books.clock.now().year + 1)
    return find(books.payment_methods, "PaymentMethod", method_id, param=param)


def attach_to(books: Books, method: Object, customer_id: str) -> None:
    method["customer"] = customer_id
    books.emit("payment_method.attached", method)


@router.post("")
async def create(books: Anyone, params: Given) -> Object:
    return from_data(books, params)


@router.get("")
async def list_payment_methods(books: Practice, params: Given) -> Object:
    params.ignore("type")
    return listed(books.payment_methods, params, "/v1/payment_methods", "customer")


@router.get("/{method_id}")
async def retrieve(books: Practice, method_id: str, params: Given) -> Object:
    return expanded(books, named_or_found(books, method_id, param="id"), expansions(params))


@router.post("/{method_id}/attach")
async def attach(books: Practice, method_id: str, params: Given) -> Object:
    customer_id = params.needed("customer")
    params.ignore("expand")
    params.done()
    find(books.customers, "customer", customer_id, param="customer")
    method = named_or_found(books, method_id, param="id")
    if method["customer"] not in {None, customer_id}:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            param="payment_method",
        )
    file = books.files[method["id"]]
    refusal = file.issuer_now_says or file.card.on_attach
    if refusal is not None:
        raise card_error(refusal)
    attach_to(books, method, customer_id)
    return method


@router.post("/{method_id}/detach")
async def detach(books: Practice, method_id: str) -> Object:
    method = find(books.payment_methods, "PaymentMethod", method_id)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer.")
    method["customer"] = None
    books.emit("payment_method.detached", method)
    return method
