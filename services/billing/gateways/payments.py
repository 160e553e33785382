"""What billing asks of a card processor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.billing.work import (
    Captured,
    CardConfirmed,
    CustomerKnown,
    Declined,
    NeverArrived,
    NothingToStore,
    SetupCancelled,
    SetupReady,
)


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


class Payments(Protocol):
    """The card processor. Every call may be repeated.

    All raise `Retry` when the outcome is unknown or the processor cannot answer now, and `Poison`
    when the request can never succeed as it stands. A refused card is a fact.
    """

    async def capture(self, order: Order) -> Captured | Declined: ...
    async def find(self, order: Order) -> Captured | Declined | NeverArrived: ...
    async def create_customer(self, order: CustomerOrder) -> CustomerKnown: ...
    async def create_setup(self, order: SetupOrder) -> SetupReady: ...
    async def payment(self, payment_intent_id: str) -> Captured | Declined | NothingToStore: ...
    async def setup(
        self, setup_intent_id: str
    ) -> CardConfirmed | SetupCancelled | NothingToStore: ...
