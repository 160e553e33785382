"""Refunds that nobody asked for here: made in Stripe's dashboard, they count all the same.

What went back is counted once, by Stripe's id of it, so that no refund of ours gives it back again.
"""

from __future__ import annotations

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
from shared.errors import Poison, Retry
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

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
    if await unmatched.was_returned(tx, made.payment_intent_id):
        return None
    refundable = paid.refundable
    if made.amount_cents > refundable.left_cents:  # one of ours is under way, which Stripe refuses
        raise Retry("refund_at_stripe_exceeds_payment")
    steps = refundable.in_steps_cents
    if steps is not None and made.amount_cents not in steps:
        raise Poison("refund_at_stripe_not_in_units")
    reason = rules.reason_at_stripe(refundable, made.amount_cents)
    if made.amount_cents > refundable.most_cents(reason):
        raise Poison("refund_at_stripe_of_what_pays_and_of_what_waits")
    wish = AskRefund(amount_cents=made.amount_cents, reason=reason)
    log.warning("refund_adopted")
    shown, _ = await start(payment_id, paid.for_reason(reason), wish, None, BY, tx)
    return shown.refund_id
