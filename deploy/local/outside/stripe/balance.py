"""The account's balance: what every movement of money adds or takes, and what is paid out of it.

Fee of a card payment: 2.9 % and 30 ¢ (stripe.com/pricing, US cards online). Stripe keeps it when a
payment is refunded. A payment can be paid out two working days later (docs.stripe.com/payouts).

Payouts come of themselves, at the midnight (UTC) at which money becomes available, and arrive at
the next working midnight. With nothing to pay out there is none; what the practice owes is carried
on.
"""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.business_days import working_midnight
from deploy.local.outside.stripe.objects import Object, new_id

_AVAILABLE_AFTER_DAYS = 2
_BANK = "ba_SimulatedBankOfThePractice"


def card_fee_cents(amount_cents: int) -> int:
    """2.9 %, rounded half up, and 30 ¢."""
    return (amount_cents * 29 + 500) // 1000 + 30


def enter_charge(books: Books, charge: Object, *, at_once: bool) -> Object:
    """A payment less its fee."""
    now = books.clock.now()
    return enter(
        books,
        ("charge", "charge"),
        charge["amount"],
        source=charge["id"],
        description=charge["description"],
        fee=(card_fee_cents(charge["amount"]), "Stripe processing fees"),
        available=now if at_once else working_midnight(now, _AVAILABLE_AFTER_DAYS),
    )


def enter(
    books: Books,
    kind: tuple[str, str],
    amount_cents: int,
    *,
    source: str | None,
    description: str | None = None,
    fee: tuple[int, str] | None = None,
    at: datetime | None = None,
    available: datetime | None = None,
) -> Object:
    """One balance transaction of a type and a reporting category.

    It is entered now, and available then, if nothing else is said.
    """
    fee_cents, fee_name = fee or (0, "")
    at = at or books.clock.now()
    available_on = int((available or at).timestamp())
    transaction: Object = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount_cents,
        "available_on": available_on,
        "balance_type": "payments",
        "created": int(at.timestamp()),
        "currency": "usd",
        "description": description,
        "exchange_rate": None,
        "fee": fee_cents,
        "fee_details": [
            {
                "amount": fee_cents,
                "application": None,
                "currency": "usd",
                "description": fee_name,
                "type": "stripe_fee",
            }
        ]
        if fee
        else [],
        "net": amount_cents - fee_cents,
        "reporting_category": kind[1],
        "source": source,
        "status": "available" if available_on <= books.now() else "pending",
        "type": kind[0],
    }
    books.balance_transactions[transaction["id"]] = transaction
    _plan_payout(books, transaction)
    return transaction


def _plan_payout(books: Books, transaction: Object) -> None:
    """See to it that a new balance transaction is paid out when it can be."""
    if transaction["type"] == "payout":
        return
    available = datetime.fromtimestamp(transaction["available_on"], UTC)
    now = books.clock.now()
    books.agenda.at(
        available if available > now else working_midnight(now, 1),
        lambda due: _pay_out(books, due),
        wanted=lambda: transaction["id"] not in books.paid_out,
    )


def _pay_out(books: Books, due: datetime) -> None:
    """Send what is available by then to the bank."""
    ready = [
        one
        for one in books.balance_transactions.values()
        if one["id"] not in books.paid_out and one["available_on"] <= due.timestamp()
    ]
    for one in ready:
        one["status"] = "available"
    amount = sum(one["net"] for one in ready)
    if amount <= 0:
        return
    arrives = working_midnight(due, 1)
    payout = _new_payout(amount, due, arrives)
    spent = enter(
        books,
        ("payout", "payout"),
        -amount,
        source=payout["id"],
        description="STRIPE PAYOUT",
        at=due,
    )
    payout["balance_transaction"] = spent["id"]
    books.payouts[payout["id"]] = payout
    books.paid_out |= {one["id"]: payout["id"] for one in (*ready, spent)}
    books.emit("payout.created", payout)
    books.agenda.at(arrives, lambda _due: _arrive(books, payout))


def _arrive(books: Books, payout: Object) -> None:
    payout["status"] = "paid"
    books.emit("payout.paid", payout)
    payout["reconciliation_status"] = "completed"
    books.emit("payout.reconciliation_completed", payout)


def _new_payout(amount: int, at: datetime, arrives: datetime) -> Object:
    return {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(arrives.timestamp()),
        "automatic": True,
        "balance_transaction": None,
        "created": int(at.timestamp()),
        "currency": "usd",
        "description": "STRIPE PAYOUT",
        "destination": _BANK,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
