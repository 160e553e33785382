"""What billing asks of a card processor about patients and the cards that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.billing.work import (
    CardConfirmed,
    CardStands,
    CustomerKnown,
    NothingToStore,
    SetupCancelled,
    SetupReady,
)


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """A patient to be made known."""

    patient_id: UUID
    created_at: datetime
    look_first: bool
    """The key may protect no longer: look whether the customer exists before sending it."""


@dataclass(frozen=True, slots=True)
class SetupOrder:
    """A card set-up to be prepared."""

    setup_id: UUID
    customer_id: str
    created_at: datetime
    look_first: bool


class Cards(Protocol):
    """Every call may be repeated; they raise as those of `Payments` do."""

    async def create_customer(self, order: CustomerOrder) -> CustomerKnown: ...
    async def create_setup(self, order: SetupOrder) -> SetupReady: ...
    async def card(self, payment_method_id: str) -> CardStands: ...
    async def detach(self, payment_method_id: str) -> CardStands: ...
    async def setup(
        self, setup_intent_id: str
    ) -> CardConfirmed | SetupCancelled | NothingToStore: ...
