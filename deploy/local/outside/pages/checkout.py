"""Stripe's hosted page: one Checkout session before its patient, to be paid or to hold a card."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from deploy.local.outside.pages.html import (
    Cell,
    chip,
    dollars,
    facts,
    ident,
    link,
    page,
    section,
    when,
    with_small,
)
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.checkout_payments import GivenCard, answer_bank, give_card
from deploy.local.outside.stripe.errors import StripeProblem
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.world import TheWorld

router = APIRouter(prefix="/stripe/checkout/{session_id}")

_CARD_FORM = """<form method="post">
<label>Card number
<input name="number" required maxlength="24" inputmode="numeric" autocomplete="cc-number"></label>
<label>Expires (MM / YY)
<input name="expiry" required maxlength="7" pattern="[0-9]{1,2} ?/ ?[0-9]{2}" placeholder="12 / 30"
autocomplete="cc-exp"></label>
<label>Security code
<input name="cvc" required maxlength="4" inputmode="numeric" autocomplete="cc-csc"></label>
<label>Name on the card
<input name="name" required maxlength="80" autocomplete="cc-name"></label>
<label>E-mail for the receipt
<input type="email" name="email" maxlength="120" autocomplete="email" value="%s"></label>
<div class="buttons"><button>%s</button></div></form>"""

_BANK_FORM = """<form method="post" action="/stripe/checkout/%s/bank">
<p>Your bank asks whether it is really you.</p>
<div class="buttons"><button name="outcome" value="passes">It is me</button>
<button class="quiet" name="outcome" value="fails">I cannot prove it</button></div></form>"""


def _find(world: TheWorld, session_id: str) -> Object:
    session = world.stripe.checkout_sessions.get(session_id)
    if session is None:
        raise HTTPException(404, "no such payment page")
    return session


@router.get("", response_class=HTMLResponse)
async def show(world: TheWorld, session_id: str) -> HTMLResponse:
    return _page(world.stripe, _find(world, session_id))


@router.post("", response_class=HTMLResponse)
async def pay(
    world: TheWorld,
    session_id: str,
    number: Annotated[str, Form(max_length=24)],
    expiry: Annotated[str, Form(max_length=7)],
    cvc: Annotated[str, Form(max_length=4)],
    name: Annotated[str | None, Form(max_length=80)] = None,
    email: Annotated[str | None, Form(max_length=120)] = None,
) -> Response:
    """402 and the reason where the card is refused; else on to the page that says what came."""
    session = _find(world, session_id)
    given = re.fullmatch(r"([0-9]{1,2}) ?/ ?([0-9]{2})", expiry.strip())
    if given is None:
        return _page(world.stripe, session, "The expiry date is a month and a year: 12 / 30.", 402)
    card = GivenCard(number, given[1], f"20{given[2]}", cvc, name, email)
    try:
        give_card(world.stripe, session, card)
    except StripeProblem as refused:
        return _page(world.stripe, session, str(refused), refused.status)
    return RedirectResponse(f"/stripe/checkout/{session_id}", 303)


@router.post("/bank", response_class=HTMLResponse)
async def answer(
    world: TheWorld, session_id: str, outcome: Annotated[Literal["passes", "fails"], Form()]
) -> Response:
    session = _find(world, session_id)
    intent = world.stripe.checkouts[session_id].intent
    try:
        answer_bank(world.stripe, intent, passes=outcome == "passes")
    except StripeProblem as refused:
        return _page(world.stripe, session, str(refused), refused.status)
    return RedirectResponse(f"/stripe/checkout/{session_id}", 303)


def _page(books: Books, session: Object, trouble: str = "", status: int = 200) -> HTMLResponse:
    paying = session["mode"] == "payment"
    title = {
        "open": f"Pay {dollars(session['amount_total'])}" if paying else "Save a card",
        "complete": f"Paid {dollars(session['amount_total'])}" if paying else "Card saved",
        "expired": "This page has expired",
    }[session["status"]]
    inside = facts(_facts(books, session))
    if trouble:
        inside += f'<p class="notice bad" role="alert">{escape(trouble)}</p>'
    if session["status"] == "open":
        waits = books.checkouts[session["id"]].intent["status"] == "requires_action"
        email = escape(session["customer_email"] or "")
        inside += (
            _BANK_FORM % session["id"]
            if waits
            else _CARD_FORM % (email, title if paying else "Save this card")
        )
    return page(
        title,
        "A simulated Stripe. Cards are Stripe's test cards, such as 4242 4242 4242 4242.",
        section("checkout", "Checkout", "", inside),
        status=status,
    )


def _facts(books: Books, session: Object) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (
            line["description"],
            with_small(dollars(line["amount_total"]), f"{line['quantity']} of them")
            if line["quantity"] > 1
            else dollars(line["amount_total"]),
        )
        for line in books.checkouts[session["id"]].lines
    ]
    told.append(("Status", chip(session["status"])))
    if session["status"] == "open":
        told.append(("Until", when(datetime.fromtimestamp(session["expires_at"], UTC))))
        if session["cancel_url"]:
            told.append(("Not now", link(session["cancel_url"], "back to the practice")))
    if session["status"] == "complete":
        back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        told.append(("Done", link(back, "back to the practice")))
    told.append(("Session", ident(session["id"])))
    return told
