"""What billing asks of a card processor, and the facts that come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.events.billing import DeclineReason
from shared.messaging import Fact


@dataclass(frozen=True, slots=True)
class Order:
    """A payment to be made: the same every time that it is asked for, except `look_first`."""

    attempt_id: UUID
    amount_cents: int
    customer_id: str
    payment_method_id: str
    created_at: datetime
    look_first: bool
    """The key may protect no longer: look whether the payment exists before sending it."""


@dataclass(frozen=True, slots=True)
class SetupOrder:
    """A card set-up to be prepared."""

    setup_id: UUID
    customer_id: str
    created_at: datetime
    look_first: bool


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """A patient to be made known."""

    patient_id: UUID
    created_at: datetime
    look_first: bool


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


class CustomerKnown(Fact):
    patient_id: UUID
    customer_id: str


class SetupReady(Fact):
    """A browser may confirm it, with a secret that is only for the patient."""

    setup_id: UUID
    setup_intent_id: str
    client_secret: str


class CardConfirmed(Fact):
    """The cardholder agreed; the card may be charged off session."""

    setup_id: UUID
    payment_method_id: str


class SetupCancelled(Fact):
    setup_id: UUID


class NothingToStore(Fact):
    """The object is not ours, or has not come to an end."""


class Payments(Protocol):
    """The card processor. Every call may be repeated.

    All raise `Retry` when the outcome is unknown or the processor cannot answer now, and `Poison`
    when the request can never succeed as it stands. A refused card is a fact.
    """

    async def capture(self, order: Order) -> Captured | Declined: ...
    async def create_customer(self, order: CustomerOrder) -> CustomerKnown: ...
    async def create_setup(self, order: SetupOrder) -> SetupReady: ...
    async def payment(self, payment_intent_id: str) -> Captured | Declined | NothingToStore: ...
    async def setup(
        self, setup_intent_id: str
    ) -> CardConfirmed | SetupCancelled | NothingToStore: ...
