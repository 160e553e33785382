"""Work that billing leaves for later or for the outside world. Ids only."""

from __future__ import annotations

from uuid import UUID

from shared.messaging import Work


class CapturePayment(Work):
    """Charge the card of one attempt."""

    attempt_id: UUID


class CreateCustomer(Work):
    """Have Stripe know a patient by a random id."""

    patient_id: UUID


class CreateSetupIntent(Work):
    """Prepare what the patient's browser confirms to save a card."""

    setup_id: UUID


class LookAtPayment(Work):
    """Ask Stripe how a payment stands now."""

    payment_intent_id: str


class LookAtSetup(Work):
    """Ask Stripe how a card set-up stands now."""

    setup_intent_id: str


class RedeemInfusion(Work):
    """Ask scheduling what the superbill of a paid charge needs."""

    charge_id: UUID


class RenderSuperbill(Work):
    """Print a superbill."""

    superbill_id: UUID
