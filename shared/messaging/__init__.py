"""How services hear, decide, say and do: the seam, the outbox, due work, parked events."""

from __future__ import annotations

from shared.messaging.handlers import Handlers
from shared.messaging.transaction import Transaction, UnitOfWork
from shared.messaging.work import Fact, Work

__all__ = ["Fact", "Handlers", "Transaction", "UnitOfWork", "Work"]
