"""Stripe's part of the overview: charges, pay pages, refunds, disputes, payouts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from deploy.local.outside.pages.html import (
    Cell,
    Column,
    Markup,
    chip,
    dollars,
    ident,
    link,
    when,
    with_small,
)
from deploy.local.outside.pages.listing import count, newest_first
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.world import World


def _at(unix: int) -> Markup:
    return when(datetime.fromtimestamp(unix, UTC))


def _signed(cents: int) -> str:
    return f"-{dollars(-cents)}" if cents < 0 else dollars(cents)


def charges(world: World) -> str:
    rows: list[Sequence[Cell]] = []
    for charge in world.stripe.charges.values():
        card = charge["payment_method_details"]["card"]
        metadata = ", ".join(f"{key} {value}" for key, value in charge["metadata"].items())
        refunded = charge["amount_refunded"]
        rows.append(
            (
                _at(charge["created"]),
                with_small(
                    dollars(charge["amount"]), f"{dollars(refunded)} back" if refunded else ""
                ),
                with_small(
                    chip("disputed" if charge["disputed"] else charge["status"]),
                    charge["failure_message"] or "",
                ),
                f"{card['brand']} ···· {card['last4']}",
                with_small(ident(charge["customer"] or "no customer"), metadata),
            )
        )
    columns = (
        Column("When"),
        Column("Amount", "num"),
        Column("Outcome"),
        Column("Card"),
        Column("Customer and metadata", "wide"),
    )
    return newest_first(
        "charges",
        "Charges at Stripe",
        columns,
        rows,
        sub=f"{count(len(world.stripe.customers), 'customer')}, "
        f"{count(len(world.stripe.payment_intents), 'payment intent')}.",
        none="No card was ever charged.",
    )


def checkouts(world: World) -> str:
    rows: list[Sequence[Cell]] = []
    for session in world.stripe.checkout_sessions.values():
        lines = world.stripe.checkouts[session["id"]].lines
        what = ", ".join(line["description"] for line in lines) or "A card to be saved"
        rows.append(
            (
                _at(session["created"]),
                dollars(session["amount_total"]) if lines else "",
                chip(session["status"]),
                _at(session["expires_at"]),
                with_small(_named(session, what), session["id"]),
            )
        )
    columns = (
        Column("Made"),
        Column("Amount", "num"),
        Column("Status"),
        Column("Ends"),
        Column("For", "wide"),
    )
    return newest_first(
        "checkout",
        "Pay pages",
        columns,
        rows,
        sub="Checkout sessions: a patient pays or leaves a card on each, once.",
        none="No pay page was ever made.",
    )


def _named(session: Object, what: str) -> Cell:
    url = session["url"]
    return link(f"/stripe/checkout/{session['id']}", what) if url else what


def refunds(world: World) -> str:
    rows: list[Sequence[Cell]] = [
        (
            _at(refund["created"]),
            dollars(refund["amount"]),
            with_small(chip(refund["status"]), refund.get("failure_reason", "").replace("_", " ")),
            (refund["reason"] or "").replace("_", " "),
            with_small(ident(refund["id"]), f"of {refund['charge']}"),
        )
        for refund in world.stripe.refunds.values()
    ]
    columns = (
        Column("When"),
        Column("Amount", "num"),
        Column("Outcome"),
        Column("Reason"),
        Column("Refund", "wide"),
    )
    return newest_first(
        "refunds",
        "Refunds",
        columns,
        rows,
        sub="Money on its way back to the card it came from.",
        none="Nothing was ever refunded.",
    )


def disputes(world: World) -> str:
    rows: list[Sequence[Cell]] = []
    for dispute in world.stripe.disputes.values():
        details = dispute["evidence_details"]
        sent = details["submission_count"]
        rows.append(
            (
                _at(dispute["created"]),
                with_small(
                    dollars(dispute["amount"]),
                    _signed(sum(one["net"] for one in dispute["balance_transactions"])),
                ),
                with_small(chip(dispute["status"]), dispute["reason"].replace("_", " ")),
                with_small(
                    "sent" if sent else "staged" if details["has_evidence"] else "none",
                    "" if sent else f"until {datetime.fromtimestamp(details['due_by'], UTC):%d %b}",
                ),
                with_small(ident(dispute["id"]), f"of {dispute['charge']}"),
            )
        )
    columns = (
        Column("Opened"),
        Column("Amount, and so far", "num"),
        Column("Status"),
        Column("Evidence"),
        Column("Dispute", "wide"),
    )
    return newest_first(
        "disputes",
        "Disputes",
        columns,
        rows,
        sub="Payments that a cardholder's bank doubts, and what they have cost so far.",
        none="No payment is disputed.",
    )


def payouts(world: World) -> str:
    books = world.stripe
    rows: list[Sequence[Cell]] = [
        (
            _at(payout["created"]),
            dollars(payout["amount"]),
            chip(payout["status"]),
            _at(payout["arrival_date"]),
            with_small(
                ident(payout["id"]),
                count(list(books.paid_out.values()).count(payout["id"]) - 1, "balance transaction"),
            ),
        )
        for payout in books.payouts.values()
    ]
    columns = (
        Column("Sent"),
        Column("Amount", "num"),
        Column("Status"),
        Column("Arrives"),
        Column("Payout", "wide"),
    )
    due = sum(
        one["net"] for one in books.balance_transactions.values() if one["id"] not in books.paid_out
    )
    return newest_first(
        "payouts",
        "Payouts",
        columns,
        rows,
        sub=f"What went to the practice's bank; {_signed(due)} is still at Stripe.",
        none="Nothing was paid out yet.",
    )


PARTS = (charges, checkouts, refunds, disputes, payouts)
