"""What Stripe moves of itself for what the books do not know: kept apart until a person says.

Stripe's own fees are known. A reserve that it holds, an adjustment, a top-up, or a kind of balance
transaction that is new, may be anything: it stands in the suspense account, and is a break.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from services.billing.rules.books.ledger import Account
from services.billing.rules.books.reconciliation import Break, BreakKind, MovementKind
from shared.refusals import Broken


class Belongs(StrEnum):
    """The accounts to which it may be posted. Of patients' money none is: that has its payment."""

    BANK = Account.BANK.value
    STRIPE_FEES = Account.STRIPE_FEES.value
    DISPUTE_FEES = Account.DISPUTE_FEES.value
    STRIPE_RESERVE = Account.STRIPE_RESERVE.value
    BAD_DEBT = Account.BAD_DEBT.value
    REFUNDS = Account.REFUNDS.value


def waits(transaction_id: str, amount_cents: int, since: datetime) -> Break:
    """What stands in suspense is a break from its first sight on, signed as Stripe signs it."""
    return Break(BreakKind.IN_SUSPENSE, MovementKind.OTHER, transaction_id, 0, amount_cents, since)


def waits_beyond(stripe_refund_id: str, beyond_cents: int, since: datetime) -> Break:
    """What went back at Stripe beyond what the books have of its payment."""
    return Break(
        BreakKind.REFUND_BEYOND, MovementKind.OTHER, stripe_refund_id, 0, -beyond_cents, since
    )


IN_SUSPENSE = frozenset({BreakKind.IN_SUSPENSE, BreakKind.REFUND_BEYOND})


def broken_by_settling(kind: BreakKind, belongs_to: Belongs | None) -> list[Broken]:
    """What forbids to settle a break so: what is in suspense goes somewhere, nothing else does."""
    if (kind in IN_SUSPENSE) == (belongs_to is not None):
        return []
    if belongs_to is None:
        return [
            Broken(
                "account_missing",
                f"Say where this money belongs. belongs_to is one of {', '.join(Belongs)}.",
                "what is in suspense stays there until it is posted elsewhere",
                "belongs_to",
            )
        ]
    return [
        Broken(
            "nothing_in_suspense",
            "Of this break nothing is in suspense. Leave belongs_to out.",
            "both sides of this break are booked, or neither is",
            "belongs_to",
        )
    ]
