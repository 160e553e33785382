"""How services hear, decide, say and do: the seam, the outbox, due work, parked events."""

from __future__ import annotations

from shared.messaging.handlers import Fact, Handlers, Work
from shared.messaging.transaction import Transaction, UnitOfWork

__all__ = ["Fact", "Handlers", "Transaction", "UnitOfWork", "Work"]
