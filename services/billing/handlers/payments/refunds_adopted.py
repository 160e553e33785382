"""Refunds that nobody asked for here: made in Stripe's dashboard, they count all the same.

What went back is counted once, by Stripe's id of it, so that no refund of ours gives it back again.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from services.billing.gateways.refunds import Refunds
from services.billing.handlers.payments.refunds import AskRefund, record_refund, start
from services.billing.rules.payments import refunds as rules
from services.billing.rules.payments.refunds import RefundState
from services.billing.store import refunds as store
from services.billing.store import unmatched
from services.billing.work import (
    LookAtRefund,
    LookForRefunds,
    RefundMadeAtStripe,
    RefundsListed,
    RefundStands,
)
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

LOOK_AGAIN_AFTER = timedelta(minutes=5)
"""For news that explains a refund of more than the books have. The figure is ours."""

EXPLAINED_WITHIN = timedelta(hours=2)
"""Stripe's list of events is gone through every hour, and what it tells of takes its time."""

BY = "stripe"
"""Who asked for it, as far as anybody here knows."""


async def look_for_refunds(work: LookForRefunds, refunds: Refunds) -> RefundsListed:
    return await refunds.refunds_of(work.payment_intent_id)


async def look_at_each(listed: RefundsListed, tx: Transaction) -> None:
    """Also at those that are known: what came of one may be what the books lack."""
    for stripe_refund_id in listed.stripe_refund_ids:
        look = LookAtRefund(stripe_refund_id=stripe_refund_id)
        tx.do(look, key=f"look:{stripe_refund_id}")


async def adopt_refund(made: RefundMadeAtStripe, tx: Transaction) -> None:
    """Book it as one of ours that Stripe has made, and whatever comes of it later."""
    refund_id = await store.known_as(tx, made.stripe_refund_id) or await _adopt(made, tx)
    if refund_id is not None:
        stands = RefundStands(
            refund_id=refund_id,
            stripe_refund_id=made.stripe_refund_id,
            state=made.state,
            failure=made.failure,
        )
        await record_refund(stands, tx)


async def _adopt(made: RefundMadeAtStripe, tx: Transaction) -> UUID | None:
    """`None` where nothing of ours went back, or a person has noted already that it did.

    A charge whose money went back past us is not asked for again: it counts as given up, until a
    person says otherwise.
    """
    payment_id = await store.payment_taken_by(tx, made.payment_intent_id)
    paid = None if payment_id is None else await store.lock_payment(tx, payment_id)
    if payment_id is None or paid is None or made.state is RefundState.FAILED:
        return None
    if (known := await store.known_as(tx, made.stripe_refund_id)) is not None:
        return known
    if await unmatched.was_noted_as_returned(tx, made.payment_intent_id):
        return None
    reason, parts = rules.parts_at_stripe(paid.refundable, made.amount_cents)
    if parts.beyond_cents and await _may_be_explained(payment_id, made, tx):
        look = LookAtRefund(stripe_refund_id=made.stripe_refund_id)
        tx.do(look, due=tx.now + LOOK_AGAIN_AFTER, key=f"look-on:{made.stripe_refund_id}")
        return None
    wish = AskRefund(amount_cents=made.amount_cents, reason=reason)
    log.warning("refund_adopted")
    shown, _ = await start(payment_id, paid.for_reason(reason), wish, None, BY, tx, parts=parts)
    return shown.refund_id


async def _may_be_explained(payment_id: UUID, made: RefundMadeAtStripe, tx: Transaction) -> bool:
    """Whether news that is under way may free what went back.

    A refund of ours that counts already Stripe will refuse; a bank may have given money back.
    """
    is_fresh = tx.now - made.made_at < EXPLAINED_WITHIN
    return is_fresh or await store.is_one_to_be_sent(tx, payment_id)
