"""What billing asks of a card processor about refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.billing.work import NothingToStore, RefundMadeAtStripe, RefundsListed, RefundStands


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund to be made: the same every time that it is asked for, except `look_first`."""

    refund_id: UUID
    payment_intent_id: str
    amount_cents: int
    created_at: datetime
    look_first: bool
    """The key may protect no longer: look whether the refund exists before sending it."""


class Refunds(Protocol):
    """The card processor. Every call may be repeated, and raises as those of `Payments` do.

    A refund that the processor refuses is a fact: it failed.
    """

    async def refund(self, order: RefundOrder) -> RefundStands: ...
    async def refunds_of(self, payment_intent_id: str) -> RefundsListed: ...
    async def refund_now(
        self, stripe_refund_id: str
    ) -> RefundStands | RefundMadeAtStripe | NothingToStore: ...
