"""A refund is made at Stripe, looked at, and what came of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.billing.rules.payments.refunds import RefundState
from shared.messaging import Fact, Work


class CreateRefund(Work):
    """Give a card's money back."""

    refund_id: UUID


def refund_key(refund_id: UUID) -> str:
    """Under which the making of a refund waits."""
    return f"refund:{refund_id}"


class LookAtRefund(Work):
    """Ask Stripe how a refund stands now."""

    stripe_refund_id: str


class LookForRefunds(Work):
    """Ask Stripe what went back of a payment of which the books tell otherwise."""

    payment_intent_id: str


class RefundsListed(Fact):
    """Stripe's ids of all that went back of one payment, or is on its way."""

    stripe_refund_ids: tuple[str, ...]


class RefundMadeAtStripe(Fact):
    """A refund that nobody asked for here: made in Stripe's dashboard, or by another program."""

    stripe_refund_id: str
    payment_intent_id: str
    amount_cents: int
    made_at: datetime
    state: RefundState
    failure: str | None = None


class RefundStands(Fact):
    """How a refund of ours stands at Stripe. `failure` is Stripe's word for why it failed."""

    refund_id: UUID
    stripe_refund_id: str | None
    state: RefundState
    failure: str | None = None
