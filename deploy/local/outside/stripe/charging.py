"""Asking a card's issuer for the money of a PaymentIntent, once."""

from __future__ import annotations

from datetime import datetime

from deploy.local.outside.stripe import cards
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.cards import AUTHENTICATION_REQUIRED, Decline, Doubt, Verdict
from deploy.local.outside.stripe.charges import charge_card
from deploy.local.outside.stripe.checkout_completion import complete_with
from deploy.local.outside.stripe.dispute_course import open_dispute
from deploy.local.outside.stripe.errors import missing
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.payment_methods import attach_to, card_error
from deploy.local.outside.stripe.setup_intents import ask_customer


def settle(
    books: Books, intent: Object, *, off_session: bool, error_on_action: bool = False
) -> None:
    """Ask the issuer for the money, once."""
    if intent["payment_method"] is None:
        raise missing("payment_method")
    method = books.payment_methods[intent["payment_method"]]
    file = books.files[method["id"]]
    verdict = cards.judge_charge(
        file, off_session=off_session, authenticated=intent["id"] in books.authenticated
    )
    if verdict is Verdict.ASK_CUSTOMER and error_on_action:
        verdict = AUTHENTICATION_REQUIRED
    match verdict:
        case Decline() as decline:
            refuse(books, intent, method, decline)
        case Verdict.ASK_CUSTOMER:
            ask_customer(intent)
            books.emit("payment_intent.requires_action", intent)
        case Verdict.APPROVED:
            charge = charge_card(books, intent, method, None)
            intent |= {
                "status": "succeeded",
                "amount_received": intent["amount"],
                "latest_charge": charge["id"],
                "last_payment_error": None,
                "next_action": None,
            }
            if intent["setup_future_usage"] and intent["customer"] and not method["customer"]:
                file.is_set_up = intent["setup_future_usage"] == "off_session"
                attach_to(books, method, intent["customer"])
            books.emit("charge.succeeded", charge)
            books.emit("payment_intent.succeeded", intent)
            complete_with(books, intent)
            if file.card.doubt is not None:
                _doubt(books, charge, file.card.doubt)


def _doubt(books: Books, charge: Object, doubt: Doubt) -> None:
    """The cardholder's bank disputes the charge, right after it was answered."""
    is_inquiry = doubt is Doubt.INQUIRY

    def dispute(_due: datetime) -> None:
        reason = "general" if is_inquiry else doubt
        open_dispute(books, charge, reason=reason, is_inquiry=is_inquiry)

    books.agenda.at(books.clock.now(), dispute)


def refuse(books: Books, intent: Object, method: Object, decline: Decline) -> None:
    charge = charge_card(books, intent, method, decline)
    told = card_error(decline, charge=charge["id"], payment_method=method).body["error"]
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "latest_charge": charge["id"],
        "last_payment_error": told,
        "next_action": None,
    }
    books.emit("charge.failed", charge)
    books.emit("payment_intent.payment_failed", intent)
    raise card_error(decline, charge=charge["id"], payment_method=method, payment_intent=intent)
