"""Stripe's webhooks, once each: what they are about is asked for, what they say is not believed."""

from __future__ import annotations

from services.billing.work import LookAtPayment, LookAtSetup
from shared.http.webhooks import Notice
from shared.messaging import Transaction

_PAYMENTS = frozenset(
    {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"}
)
_SETUPS = frozenset({"setup_intent.succeeded", "setup_intent.canceled"})


async def take_notice(notice: Notice, tx: Transaction) -> None:
    """Leave the question to Stripe as work. One question answers all notices that wait for it."""
    if notice.kind in _PAYMENTS:
        work = LookAtPayment(payment_intent_id=notice.object_id)
        tx.do(work, key=f"look:{notice.object_id}")
    elif notice.kind in _SETUPS:
        tx.do(LookAtSetup(setup_intent_id=notice.object_id), key=f"look:{notice.object_id}")
