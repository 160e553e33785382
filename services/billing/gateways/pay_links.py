"""What billing asks of a card processor about pages on which patients pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.billing.work import Captured, NothingToStore, PayLinkEnded, PayLinkMade


@dataclass(frozen=True, slots=True)
class LinkOrder:
    """A page to be made: the same every time that it is asked for, except the last two."""

    pay_link_id: UUID
    amount_cents: int
    customer_id: str | None
    created_at: datetime
    expires_at: datetime
    look_first: bool
    """The key may protect no longer: look whether the page exists before asking for it."""
    too_late: bool
    """A page that was not made yet is not wanted any more."""


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A page that exists, to be closed."""

    session_id: str


class PayLinks(Protocol):
    """Every call may be repeated; they raise as those of `Payments` do.

    A page that was paid is a `Captured` of the try whose id is the pay link's.
    """

    async def create(self, order: LinkOrder) -> PayLinkMade | PayLinkEnded: ...
    async def link(self, session_id: str) -> Captured | PayLinkEnded | NothingToStore: ...
    async def expire(self, made: MadeLink) -> Captured | PayLinkEnded | NothingToStore: ...
