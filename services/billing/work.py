"""What billing has itself do, and what its callers bring home. Work carries ids only."""

from __future__ import annotations

from uuid import UUID

from shared.claims import InfusionRecord
from shared.events.billing import DeclineReason
from shared.messaging import Fact, Work


class ChargeLate(Work):
    """Charge the infusions that completed before their fee was recorded."""

    visit_type: str


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


class NeverArrived(Fact):
    """Stripe has no payment of this attempt."""

    attempt_id: UUID


class CreateCustomer(Work):
    """Have Stripe know a patient by a random id."""

    patient_id: UUID


class CustomerKnown(Fact):
    patient_id: UUID
    customer_id: str


class CreateSetupIntent(Work):
    """Prepare what the patient's browser confirms to save a card."""

    setup_id: UUID


class SetupReady(Fact):
    """A browser may confirm it, with a secret that is only for the patient."""

    setup_id: UUID
    setup_intent_id: str
    client_secret: str


class LookAtSetup(Work):
    """Ask Stripe how a card set-up stands now."""

    setup_intent_id: str


class CardConfirmed(Fact):
    """The cardholder agreed; the card may be charged off session."""

    setup_id: UUID
    payment_method_id: str


class SetupCancelled(Fact):
    setup_id: UUID


class NothingToStore(Fact):
    """The object is not ours, or has not come to an end."""


class RedeemInfusion(Work):
    """Ask scheduling what the superbill of a paid charge needs."""

    charge_id: UUID


class InfusionRedeemed(Fact):
    """What scheduling knows of an infusion that is paid. Held in memory, never in clear on disk."""

    charge_id: UUID
    record: InfusionRecord


class RenderSuperbill(Work):
    """Print a superbill."""

    superbill_id: UUID


class SuperbillRendered(Fact):
    superbill_id: UUID
    pdf: bytes
