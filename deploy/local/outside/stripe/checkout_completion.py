"""A Checkout session comes to its good end when its intent does."""

from __future__ import annotations

from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.errors import invalid
from deploy.local.outside.stripe.objects import Object


def complete_with(books: Books, intent: Object) -> None:
    """Complete the session of an intent that succeeded, if it has one."""
    session = books.sessions_of_intents.get(intent["id"])
    if session is None:
        return
    session |= {"status": "complete", "url": None}
    if session["mode"] == "payment":
        session["payment_status"] = "paid"
    books.emit("checkout.session.completed", session)


def refuse_of_checkout(books: Books, intent: Object) -> None:
    """An intent of a Checkout session is the session's alone."""
    if intent["id"] in books.sessions_of_intents:
        raise invalid(
            f"This {intent['object']} was created by Checkout: it can be neither confirmed nor "
            "canceled. To give it up, expire the Checkout Session.",
            code=f"{intent['object']}_unexpected_state",
        )
