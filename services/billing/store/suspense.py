"""What Stripe moved of itself for what the books do not know, from its first sight to its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text

from services.billing.rules.books.ledger import Reason
from shared.messaging import Transaction

_WITHOUT = """
    SELECT transaction_id, amount_cents, created_at FROM stripe_movements AS m
     WHERE kind = 'other' AND amount_cents <> 0
       AND NOT EXISTS (SELECT FROM ledger_transfers AS t
                        WHERE t.reason = '{reason}' AND t.source_id = m.transaction_id)
     ORDER BY created_at, transaction_id
"""

_TO_POST = text(_WITHOUT.format(reason=Reason.STRIPE_MOVED))
_WAITING = text(_WITHOUT.format(reason=Reason.SUSPENSE_SETTLED))


_BEYOND = text(
    f"""
    SELECT stripe_refund_id, beyond_cents, asked_at FROM refunds AS r
     WHERE beyond_cents > 0 AND state <> 'failed' AND stripe_refund_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM ledger_transfers AS t
                        WHERE t.reason = '{Reason.SUSPENSE_SETTLED}'
                          AND t.source_id = r.stripe_refund_id)
     ORDER BY asked_at, refund_id
    """
)


async def to_post(tx: Transaction) -> Sequence[Row[Any]]:
    """What the ledger does not have: transaction, cents as Stripe signs them, moment."""
    return (await tx.execute(_TO_POST)).all()


async def waiting(tx: Transaction) -> Sequence[Row[Any]]:
    """The same of what nobody has posted to where it belongs."""
    return (await tx.execute(_WAITING)).all()


async def beyond(tx: Transaction) -> Sequence[Row[Any]]:
    """What went back beyond the books and nobody has said what for: refund, cents, moment."""
    return (await tx.execute(_BEYOND)).all()
