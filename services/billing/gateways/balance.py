"""What billing asks of a card processor about the money that it holds."""

from __future__ import annotations

from typing import Protocol

from services.billing.work.reconciliation import (
    BalanceFound,
    FetchBalance,
    FetchMovements,
    FetchPayout,
    FetchPayouts,
    MovementsFound,
    PayoutFound,
    PayoutsFound,
)


class ProcessorBalance(Protocol):
    """The processor's own account of the money. Every call only reads.

    All raise `Retry` when the processor cannot answer now, and `Poison` when what it answers
    cannot be read.
    """

    async def movements(self, work: FetchMovements) -> MovementsFound: ...
    async def payouts(self, work: FetchPayouts) -> PayoutsFound: ...
    async def payout(self, work: FetchPayout) -> PayoutFound: ...
    async def held(self, work: FetchBalance) -> BalanceFound: ...
