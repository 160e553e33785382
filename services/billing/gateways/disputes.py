"""What billing asks of a card processor about disputes."""

from __future__ import annotations

from typing import Protocol

from services.billing.work import DisputeStands


class Disputes(Protocol):
    """May be asked again; raises as the calls of `Payments` do."""

    async def dispute(self, stripe_dispute_id: str) -> DisputeStands: ...
