"""How a charge stands: what it costs, what was paid on it, what was given up of it.

The same is a constraint of the database, so that no charge says of itself what its sums do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class ChargeState(StrEnum):
    """`closed` is a charge on which nothing is owed and nothing was kept."""

    OPEN = "open"
    DECLINED = "declined"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Standing:
    """The sums of a charge. Money that was given back is not paid any more."""

    amount_cents: int
    paid_cents: int = 0
    forgiven_cents: int = 0

    @property
    def owed_cents(self) -> int:
        return self.amount_cents - self.paid_cents - self.forgiven_cents

    def with_paid(self, cents: int) -> Standing:
        """After a payment; after a refund where `cents` is negative."""
        return replace(self, paid_cents=self.paid_cents + cents)

    def with_forgiven(self, cents: int) -> Standing:
        """After the clinic gave something up, or took that back where `cents` is negative."""
        return replace(self, forgiven_cents=self.forgiven_cents + cents)

    def state(self, *, declined: bool = False) -> ChargeState:
        """`declined` says that the last try at a card was refused."""
        if self.owed_cents == 0:
            return ChargeState.PAID if self.paid_cents else ChargeState.CLOSED
        if self.paid_cents:
            return ChargeState.PARTLY_PAID
        return ChargeState.DECLINED if declined else ChargeState.OPEN
