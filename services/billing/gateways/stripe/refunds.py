"""`Refunds` at Stripe: to the card that a PaymentIntent took the money from."""

from __future__ import annotations

from datetime import UTC, datetime

import stripe

from services.billing.gateways.refunds import RefundOrder
from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import PAGE, marked, our_id
from services.billing.rules.payments.refunds import RefundState
from services.billing.work import NothingToStore, RefundMadeAtStripe, RefundsListed, RefundStands

_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
"""What Stripe calls anything else has not come to an end (docs.stripe.com/refunds)."""


class StripeRefunds:
    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def refund(self, order: RefundOrder) -> RefundStands:
        return await self._stripe.once(
            lambda: self._send(order), lambda: self._sent(order), look_first=order.look_first
        )

    async def refund_now(
        self, stripe_refund_id: str
    ) -> RefundStands | RefundMadeAtStripe | NothingToStore:
        async with self._stripe.request():
            refund = await self._stripe.v1.refunds.retrieve_async(stripe_refund_id)
        return _stands(refund) or _made_elsewhere(refund) or NothingToStore()

    async def refunds_of(self, payment_intent_id: str) -> RefundsListed:
        async with self._stripe.request():
            page = await self._stripe.v1.refunds.list_async(
                {"payment_intent": payment_intent_id, "limit": PAGE}
            )
            found = [refund.id async for refund in page.auto_paging_iter()]
        return RefundsListed(stripe_refund_ids=tuple(found))

    async def _send(self, order: RefundOrder) -> RefundStands:
        try:
            refund = await self._stripe.v1.refunds.create_async(
                {
                    "payment_intent": order.payment_intent_id,
                    "amount": order.amount_cents,
                    "metadata": {"refund_id": str(order.refund_id)},
                },
                {"idempotency_key": str(order.refund_id)},
            )
        except stripe.IdempotencyError:
            raise
        except stripe.InvalidRequestError as refused:  # it never will: disputed, or gone back
            return RefundStands(
                refund_id=order.refund_id,
                stripe_refund_id=None,
                state=RefundState.FAILED,
                failure=refused.code or "refused",
            )
        return _of(order, refund)

    async def _sent(self, order: RefundOrder) -> RefundStands | None:
        """What an earlier request of this refund came to; `None` if none arrived."""
        page = await self._stripe.v1.refunds.list_async(
            {"payment_intent": order.payment_intent_id, "limit": PAGE}
        )
        known = await marked(page.auto_paging_iter(), {"refund_id": str(order.refund_id)})
        return None if known is None else _of(order, known)


def _of(order: RefundOrder, refund: stripe.Refund) -> RefundStands:
    state = _STATES.get(refund.status or "", RefundState.PENDING)
    return RefundStands(
        refund_id=order.refund_id,
        stripe_refund_id=refund.id,
        state=state,
        failure=_failure(refund, state),
    )


def _stands(refund: stripe.Refund) -> RefundStands | None:
    """How a refund stands; `None` when it is not ours."""
    refund_id = our_id(refund.metadata, "refund_id")
    if refund_id is None:
        return None
    state = _STATES.get(refund.status or "", RefundState.PENDING)
    return RefundStands(
        refund_id=refund_id,
        stripe_refund_id=refund.id,
        state=state,
        failure=_failure(refund, state),
    )


def _made_elsewhere(refund: stripe.Refund) -> RefundMadeAtStripe | None:
    """A refund without our mark; `None` when it is of no PaymentIntent, so not of ours."""
    if not isinstance(refund.payment_intent, str):
        return None
    state = _STATES.get(refund.status or "", RefundState.PENDING)
    return RefundMadeAtStripe(
        stripe_refund_id=refund.id,
        payment_intent_id=refund.payment_intent,
        amount_cents=refund.amount,
        made_at=datetime.fromtimestamp(refund.created, UTC),
        state=state,
        failure=_failure(refund, state),
    )


def _failure(refund: stripe.Refund, state: RefundState) -> str | None:
    if state is not RefundState.FAILED:
        return None
    return getattr(refund, "failure_reason", None) or refund.status
