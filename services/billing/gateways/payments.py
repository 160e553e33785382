"""What billing asks of a card processor about payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.billing.work import Captured, Declined, NeverArrived, NothingToStore


@dataclass(frozen=True, slots=True)
class Order:
    """A payment to be made: the same every time but for what its last three fields say."""

    attempt_id: UUID
    amount_cents: int
    customer_id: str
    payment_method_id: str
    created_at: datetime
    is_agreed: bool
    """A mandate of the patient's stands for the card, as of this look."""
    is_held: bool
    """Nothing may be asked of the patient for it now."""
    look_first: bool
    """The key may protect no longer: look whether the payment exists before sending it."""


class Payments(Protocol):
    """The card processor. Every call may be repeated.

    All raise `Retry` when the outcome is unknown or the processor cannot answer now, and `Poison`
    when the request can never succeed as it stands. A refused card is a fact.
    """

    async def capture(self, order: Order) -> Captured | Declined: ...
    async def find(self, order: Order) -> Captured | Declined | NeverArrived: ...
    async def payment(self, payment_intent_id: str) -> Captured | Declined | NothingToStore: ...
