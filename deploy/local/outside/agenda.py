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
    """One thing to come. `run` is told when it fell due, which may be before now.

    What is no longer `wanted` is dropped without a trace.
    """

    due_at: datetime
    order: int
    run: Callable[[datetime], None] = field(compare=False)
    wanted: Callable[[], bool] = field(compare=False)


def _always() -> bool:
    return True


class Agenda:
    """Everything scheduled, soonest first."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[Entry] = []
        self._order = itertools.count()

    def at(
        self,
        due_at: datetime,
        run: Callable[[datetime], None],
        *,
        wanted: Callable[[], bool] = _always,
    ) -> None:
        heapq.heappush(self._heap, Entry(due_at, next(self._order), run, wanted))

    def next_due_at(self) -> datetime | None:
        while self._heap and not self._heap[0].wanted():
            heapq.heappop(self._heap)
        return self._heap[0].due_at if self._heap else None

    def is_due(self) -> bool:
        due_at = self.next_due_at()
        return due_at is not None and due_at <= self.clock.now()

    def run_due(self) -> None:
        """Run what is due, and what that makes due."""
        while self.is_due():
            entry = heapq.heappop(self._heap)
            entry.run(entry.due_at)

    def clear(self) -> None:
        self._heap.clear()

    async def keep(self) -> None:
        """Watch the clock for as long as the world lives."""
        while True:
            self.run_due()
            await asyncio.sleep(_POLL_S)
