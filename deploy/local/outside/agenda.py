"""What happens of itself in the outside world, at a moment of practice time.

One heap, asked every few milliseconds of real time, so that stepping the clock over three days
makes everything of those three days happen at once and in order.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import Clock

_POLL_S = 0.01


@dataclass(order=True, frozen=True, slots=True)
class Entry:
    """One thing to come. `run` is told when it fell due, which may be before now."""

    due_at: datetime
    order: int
    what: str = field(compare=False)
    run: Callable[[datetime], None] = field(compare=False)


class Agenda:
    """Everything scheduled, soonest first."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[Entry] = []
        self._order = itertools.count()

    def at(self, due_at: datetime, what: str, run: Callable[[datetime], None]) -> None:
        heapq.heappush(self._heap, Entry(due_at, next(self._order), what, run))

    def next_due_at(self) -> datetime | None:
        return self._heap[0].due_at if self._heap else None

    def is_due(self) -> bool:
        return bool(self._heap) and self._heap[0].due_at <= self.clock.now()

    def run_due(self) -> None:
        """Run what is due, and what that makes due."""
        while self.is_due():
            entry = heapq.heappop(self._heap)
            entry.run(entry.due_at)

    def entries(self) -> list[Entry]:
        return sorted(self._heap)

    def clear(self) -> None:
        self._heap.clear()

    async def keep(self) -> None:
        """Watch the clock for as long as the world lives."""
        while True:
            self.run_due()
            await asyncio.sleep(_POLL_S)
