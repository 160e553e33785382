"""Which of Stripe's events billing hears, and which stretch of them it goes through next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

PAYMENTS = frozenset(
    {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"}
)
SETUPS = frozenset({"setup_intent.succeeded", "setup_intent.canceled"})
REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed"})

PAGES = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    }
)

DISPUTES = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    }
)

CARDS = frozenset({"payment_method.detached", "payment_method.automatically_updated"})

HEARD = PAYMENTS | SETUPS | REFUNDS | PAGES | DISPUTES | CARDS
"""Stripe lists at most 20 types at once (docs.stripe.com/api/events/list)."""

CATCH_UP_EVERY = timedelta(hours=1)
"""Stripe itself tries a webhook for three days (docs.stripe.com/webhooks); a charge that a patient
paid should not look unpaid to the desk for that long."""

KEPT_FOR = timedelta(days=30)
"""How far back Stripe lists events (docs.stripe.com/api/events)."""

OVERLAP = timedelta(hours=1)
"""Gone through twice: Stripe's clock is not ours, and an event may be listed late."""

STRETCH = timedelta(hours=6)
"""Of one call. Longer than the overlap, and short enough that its pages fit one call's limit."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of Stripe's events, both ends included."""

    since: datetime
    until: datetime
    kinds: tuple[str, ...]


def next_window(seen_until: datetime, now: datetime) -> Window:
    """What to go through next."""
    since = max(seen_until - OVERLAP, now - KEPT_FOR)
    return Window(since, min(since + STRETCH, now), tuple(sorted(HEARD)))


def next_catch_up(moment: datetime) -> datetime:
    return moment + CATCH_UP_EVERY
