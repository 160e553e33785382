"""`Disputes` at Stripe: what a cardholder's bank doubts, and what it moved."""

from __future__ import annotations

from datetime import UTC, datetime

import stripe

from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import id_of
from services.billing.rules.disputes import DisputeState, Moved
from services.billing.work import DisputeStands
from shared.errors import Poison

_STATES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY_ANSWERED,
    "warning_closed": DisputeState.INQUIRY_CLOSED,
    "needs_response": DisputeState.NEEDS_RESPONSE,
    "under_review": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "prevented": DisputeState.INQUIRY_CLOSED,
    "lost": DisputeState.LOST,
}
"""docs.stripe.com/api/disputes/object. A prevented one was settled before it took anything."""


class StripeDisputes:
    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def dispute(self, stripe_dispute_id: str) -> DisputeStands:
        async with self._stripe.request():
            found = await self._stripe.v1.disputes.retrieve_async(stripe_dispute_id)
        return _stands(found)


def _stands(found: stripe.Dispute) -> DisputeStands:
    if found.currency != "usd" or found.payment_intent is None:
        raise Poison("stripe_dispute_of_no_payment_of_ours")
    state = _STATES.get(found.status)
    if state is None:
        raise Poison("stripe_dispute_in_an_unknown_state")
    due_by = found.evidence_details.due_by
    return DisputeStands(
        stripe_dispute_id=found.id,
        payment_intent_id=id_of(found.payment_intent),
        state=state,
        reason=found.reason,
        amount_cents=found.amount,
        opened_at=_moment(found.created),
        due_at=None if due_by is None else _moment(due_by),
        movements=tuple(
            Moved(one.id, one.amount, _moment(one.created)) for one in found.balance_transactions
        ),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
