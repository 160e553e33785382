"""A try at a card: made, looked at, looked for, and what came of it."""

from __future__ import annotations

from uuid import UUID

from services.billing.rules.collecting.declines import DeclineCodes
from shared.events.billing import DeclineReason
from shared.messaging import Fact, Work


class CapturePayment(Work):
    """Charge the card of one attempt."""

    attempt_id: UUID


def capture_key(attempt_id: UUID) -> str:
    """Under which an attempt's capture waits."""
    return f"capture:{attempt_id}"


class LookAtPayment(Work):
    """Ask Stripe how a payment stands now."""

    payment_intent_id: str


class LookForPayment(Work):
    """Ask Stripe what came of an attempt that was given up."""

    attempt_id: UUID


def look_key(attempt_id: UUID) -> str:
    """Under which the look for an attempt that was given up waits."""
    return f"look-for:{attempt_id}"


class Captured(Fact):
    """The money was taken."""

    attempt_id: UUID
    payment_intent_id: str
    amount_cents: int


class Declined(Fact):
    """The card was refused, or the payment cancelled."""

    attempt_id: UUID
    payment_intent_id: str | None
    reason: DeclineReason
    codes: DeclineCodes = DeclineCodes()


class NeverArrived(Fact):
    """Stripe has no payment of this attempt."""

    attempt_id: UUID


class NothingToStore(Fact):
    """The object is not ours, or has not come to an end."""
