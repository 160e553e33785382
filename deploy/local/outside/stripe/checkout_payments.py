"""What a patient does on a Checkout page: give a card, and answer the bank."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.local.outside.stripe import charging, customers, payment_intents, setup_intents
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.cards import AUTHENTICATION_REQUIRED
from deploy.local.outside.stripe.errors import invalid
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.params import Params
from deploy.local.outside.stripe.payment_methods import from_data


@dataclass(frozen=True, slots=True)
class GivenCard:
    """What the page's form holds."""

    number: str
    exp_month: str
    exp_year: str
    cvc: str
    name: str | None = None
    email: str | None = None


def give_card(books: Books, session: Object, card: GivenCard) -> None:
    """Press Pay, or Save. A refusal is a `StripeProblem`, and leaves the session open."""
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is {session['status']}.")
    intent = books.checkouts[session["id"]].intent
    method = from_data(
        books,
        Params(
            {
                "type": "card",
                "card": {
                    "number": card.number,
                    "exp_month": card.exp_month,
                    "exp_year": card.exp_year,
                    "cvc": card.cvc,
                },
                "billing_details": {"name": card.name or "", "email": card.email or ""},
            }
        ),
    )
    _note_customer(books, session, intent, method)
    if session["mode"] == "payment" and session["payment_intent"] is None:
        session["payment_intent"] = intent["id"]
        intent["created"] = books.now()
        payment_intents.put_down(books, intent)
    intent["payment_method"] = method["id"]
    _settle(books, intent)


def _note_customer(books: Books, session: Object, intent: Object, method: Object) -> None:
    """Who pays, and a customer for them where the session asks for one."""
    billing = method["billing_details"]
    session["customer_details"] = {
        "address": billing["address"],
        "business_name": None,
        "email": billing["email"] or session["customer_email"],
        "individual_name": None,
        "name": billing["name"],
        "phone": billing["phone"],
        "tax_exempt": "none",
        "tax_ids": [],
    }
    if session["customer_creation"] == "always" and session["customer"] is None:
        customer = customers.new_customer(books)
        customer |= {"email": session["customer_details"]["email"], "name": billing["name"]}
        customers.put_down(books, customer)
        session["customer"] = intent["customer"] = customer["id"]


def _settle(books: Books, intent: Object) -> None:
    if intent["object"] == "setup_intent":
        setup_intents.settle(books, intent)
    else:
        charging.settle(books, intent, off_session=False)


def answer_bank(books: Books, intent: Object, *, passes: bool) -> None:
    """The cardholder proves who they are, or fails to. A refusal is a `StripeProblem`."""
    if intent["status"] != "requires_action":
        raise invalid("This payment does not wait for its cardholder.")
    if passes:
        books.authenticated.add(intent["id"])
        _settle(books, intent)
        return
    method = books.payment_methods[intent["payment_method"]]
    noun = setup_intents if intent["object"] == "setup_intent" else charging
    noun.refuse(books, intent, method, AUTHENTICATION_REQUIRED)
