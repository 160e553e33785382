"""A dispute is looked at, and how it stands."""

from __future__ import annotations

from datetime import datetime

from services.billing.rules.disputes import DisputeState, Moved
from shared.messaging import Fact, Work


class WatchDisputes(Work):
    """Comes round every morning."""


class LookAtDispute(Work):
    """Ask Stripe how a dispute stands now."""

    stripe_dispute_id: str


class DisputeStands(Fact):
    """How a dispute stands. `reason` is Stripe's word; `due_at` is when an answer is too late."""

    stripe_dispute_id: str
    payment_intent_id: str
    state: DisputeState
    reason: str
    amount_cents: int
    opened_at: datetime
    due_at: datetime | None
    movements: tuple[Moved, ...]
