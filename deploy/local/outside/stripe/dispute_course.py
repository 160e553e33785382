"""How a dispute goes: opened by the cardholder's bank, answered by us, decided by the bank.

A chargeback takes the money and a fee of $15 at once (stripe.com/pricing); won, the money comes
back and the fee does not. An inquiry takes nothing unless it becomes a chargeback. A chargeback
that nobody answers in time is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deploy.local.outside.stripe.balance import enter
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.dispute_evidence import no_evidence
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.refunds import Failure, fail

FEE_CENTS = 1500
ANSWER_WITHIN = timedelta(days=7)
"""Banks leave 7 to 21 days (docs.stripe.com/disputes); this one is in a hurry."""
REASONS = {
    "credit_not_processed": "13.7",
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "general": None,
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
    "unrecognized": "10.4",
}
"""With Visa's own code for each."""
UNANSWERED = frozenset({"needs_response", "warning_needs_response"})
OPEN = UNANSWERED | {"under_review", "warning_under_review"}


def open_dispute(
    books: Books,
    charge: Object,
    *,
    reason: str,
    amount_cents: int | None = None,
    is_inquiry: bool = False,
    answer_within: timedelta = ANSWER_WITHIN,
) -> Object:
    """A cardholder doubts a charge, or a part of it."""
    due_at = books.clock.now() + answer_within
    card = charge["payment_method_details"]["card"]
    dispute: Object = {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": charge["amount"] if amount_cents is None else amount_cents,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": books.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": no_evidence(),
        "evidence_details": {
            "due_by": int(due_at.timestamp()),
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": True,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if is_inquiry else "chargeback",
                "network": card["network"],
                "network_reason_code": REASONS[reason],
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }
    books.disputes[dispute["id"]] = dispute
    charge["disputed"] = True
    if is_inquiry:
        books.emit("charge.dispute.created", dispute)
    else:
        _withdraw(books, dispute)
        books.emit("charge.dispute.created", dispute)
        books.emit("charge.dispute.funds_withdrawn", dispute)
    _watch(books, dispute)
    return dispute


def _withdraw(books: Books, dispute: Object) -> None:
    """The bank takes the money back; a refund still on its way is stopped."""
    dispute["is_charge_refundable"] = False
    dispute["balance_transactions"].append(
        enter(
            books,
            ("adjustment", "dispute"),
            -dispute["amount"],
            source=dispute["id"],
            description=f"Chargeback withdrawal for {dispute['charge']}",
            fee=(FEE_CENTS, "Dispute fee"),
        )
    )
    for refund in list(books.refunds.values()):
        if refund["charge"] == dispute["charge"] and refund["status"] == "pending":
            fail(books, refund, Failure.DISPUTED)


def _watch(books: Books, dispute: Object) -> None:
    books.agenda.at(
        datetime.fromtimestamp(dispute["evidence_details"]["due_by"], UTC),
        lambda _due: _too_late(books, dispute),
        wanted=lambda: dispute["status"] in UNANSWERED,
    )


def _too_late(books: Books, dispute: Object) -> None:
    dispute["evidence_details"]["past_due"] = True
    if dispute["status"] == "needs_response":
        decide(books, dispute, "lost")
    else:
        books.emit("charge.dispute.updated", dispute)


def escalate(books: Books, dispute: Object) -> None:
    """An inquiry becomes a chargeback."""
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["status"] = "needs_response"
    due_at = books.clock.now() + ANSWER_WITHIN
    dispute["evidence_details"] |= {"due_by": int(due_at.timestamp()), "past_due": False}
    _withdraw(books, dispute)
    books.emit("charge.dispute.updated", dispute)
    books.emit("charge.dispute.funds_withdrawn", dispute)
    _watch(books, dispute)


def submit(books: Books, dispute: Object) -> None:
    """Our evidence goes to the bank; two texts of Stripe's own decide its answer."""
    details = dispute["evidence_details"]
    details["submission_count"] += 1
    is_inquiry = dispute["status"] == "warning_needs_response"
    dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
    outcome = {"winning_evidence": "won", "losing_evidence": "lost"}.get(
        dispute["evidence"]["uncategorized_text"] or ""
    )
    if outcome is not None:
        books.agenda.at(
            books.clock.now(),
            lambda _due: decide(books, dispute, outcome),
            wanted=lambda: dispute["status"] in OPEN,
        )


def reverse(books: Books, dispute: Object) -> None:
    """The bank decides otherwise after all, and moves the money the other way."""
    was_won = dispute["status"] == "won"
    dispute["status"] = "lost" if was_won else "won"
    dispute["is_charge_refundable"] = not was_won
    kind, sign, what = "dispute_reversal", 1, "reversal"
    if was_won:
        kind, sign, what = "dispute", -1, "withdrawal"
    dispute["balance_transactions"].append(
        enter(
            books,
            ("adjustment", kind),
            sign * dispute["amount"],
            source=dispute["id"],
            description=f"Chargeback {what} for {dispute['charge']}",
        )
    )
    moved = "funds_withdrawn" if was_won else "funds_reinstated"
    books.emit(f"charge.dispute.{moved}", dispute)
    books.emit("charge.dispute.closed", dispute)


def decide(books: Books, dispute: Object, outcome: str) -> None:
    """The bank's last word: `won` or `lost`. An inquiry is closed either way."""
    if dispute["status"].startswith("warning_"):
        dispute["status"] = "warning_closed"
        books.emit("charge.dispute.closed", dispute)
        return
    dispute["status"] = outcome
    if outcome == "won":
        dispute["is_charge_refundable"] = True
        dispute["balance_transactions"].append(
            enter(
                books,
                ("adjustment", "dispute_reversal"),
                dispute["amount"],
                source=dispute["id"],
                description=f"Chargeback reversal for {dispute['charge']}",
            )
        )
        books.emit("charge.dispute.funds_reinstated", dispute)
    books.emit("charge.dispute.closed", dispute)
