"""What a handler runs on behalf of, and whether what stopped it passes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from shared import logs, telemetry
from shared.db import database_busy
from shared.errors import PracticeError, Retry
from shared.messaging.duework import Leased
from shared.messaging.transaction import Transaction


@contextmanager
def on_behalf(
    name: str, correlation_id: UUID, traceparent: str | None, **attributes: Any
) -> Iterator[str | None]:
    """Runs a handler's body under its cause; yields the traceparent that its effects carry.

    Where no spans are written the cause's own traceparent travels on, and costs nothing.
    """
    with logs.bind(correlation_id=correlation_id):
        if not telemetry.writes_spans():
            yield traceparent
            return
        with telemetry.span(name, parent=traceparent, **attributes) as mine:
            yield mine


def passes(error: BaseException) -> bool:
    """Whether the same work, unchanged, may succeed later: no bug, and nobody need look at it."""
    return isinstance(error, Retry | TimeoutError) or database_busy(error)


def code_of(error: BaseException) -> str:
    """A word for what went wrong that may be stored and shown."""
    if isinstance(error, PracticeError):
        return error.code
    if database_busy(error):
        return "database_busy"
    return type(error).__name__ if passes(error) else f"bug:{type(error).__name__}"


def caused(tx: Transaction, leased: Leased) -> Transaction:
    """The transaction as it decides on behalf of what the work follows from."""
    return tx.caused_by(
        event_id=leased.causation_id,
        correlation_id=leased.correlation_id,
        traceparent=leased.traceparent,
    )
