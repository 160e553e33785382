"""The moment at which a transaction asks for its commit, from which delays are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import real_now
from shared.messaging import Transaction

_NAME = "bench.said"


def mark(tx: Transaction, name: str) -> None:
    """Have this transaction's commit noted under `name`; only inside `noted`, which clears it."""
    connection = tx.connection.sync_connection
    assert connection is not None
    connection.info[_NAME] = name


@contextmanager
def noted(engine: AsyncEngine) -> Iterator[dict[str, datetime]]:
    """Yields what fills up with the commits of marked transactions, in real time."""
    asked: dict[str, datetime] = {}

    def note(connection: Any) -> None:
        if name := connection.info.pop(_NAME, None):
            asked[name] = real_now()

    event.listen(engine.sync_engine, "commit", note)
    try:
        yield asked
    finally:
        event.remove(engine.sync_engine, "commit", note)
