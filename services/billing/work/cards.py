"""A card is saved: customer, set-up, what the patient's browser did with it; and it expires."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.messaging import Fact, Work


class NoticeExpiring(Work):
    """Comes round every morning."""


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
    brand: str | None = None
    last4: str | None = None
    expires_at: datetime | None = None


class SetupCancelled(Fact):
    setup_id: UUID


class LookAtCard(Work):
    """Ask Stripe how a card on file stands now."""

    payment_method_id: str


class DetachCard(Work):
    """Have Stripe take a card off its customer: the patient took the mandate back."""

    payment_method_id: str


class CardStands(Fact):
    """Whether Stripe still lets a card be charged, of which network it is, and until when good."""

    payment_method_id: str
    is_attached: bool
    brand: str | None
    last4: str | None = None
    expires_at: datetime | None = None
