"""What a handler runs on behalf of: its correlation id on every log line, its span in the trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from shared import logs, telemetry


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
