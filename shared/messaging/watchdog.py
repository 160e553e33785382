"""The watchdog: a process whose consumer has stopped without an error is started again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from time import monotonic

import structlog

from shared.messaging.consumer import Consumer

log = structlog.get_logger(__name__)


class Watchdog:
    """Ends a process whose consumer, or one of its partitions, should move and does not.

    A consumer should move when records wait for it, also those that it could not take, or when it
    has yet to join its group; a partition when records wait in it and the consumer has no others
    in hand. aiokafka has known ways to stop doing either without an error. The supervisor starts
    the process again, and nothing is lost: the offsets stand where the last decided batch left
    them.
    """

    def __init__(
        self,
        consumer: Consumer,
        *,
        stuck_s: float = 120.0,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._consumer = consumer
        self._stuck_s = stuck_s
        self._end = end
        self._seen = consumer.progress_at
        self._since = monotonic()
        self._standing_s = 0.0
        self._partitions: dict[str, tuple[int, float]] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._stuck_s / 4)
            self.look()

    def trouble(self) -> str | None:
        """What keeps the consumer from moving, or that it stands without a reason."""
        if (known := self._consumer.trouble()) is not None:
            return known
        if self._standing_s <= self._stuck_s / 4:
            return None
        return f"records wait and none was taken for {self._standing_s:.0f} s"

    def look(self) -> None:
        """End the process if every look for `stuck_s` found it standing where it should move.

        A consumer that had nothing to do for hours is not stuck when the first record comes.
        """
        consumer, now = self._consumer, monotonic()
        idle = not consumer.should_move()
        if idle or consumer.waits() is not None or consumer.progress_at != self._seen:
            self._seen, self._since = consumer.progress_at, now
        self._standing_s = max(now - self._since, *self._partitions_stand_s())
        if self._standing_s > self._stuck_s:
            log.critical("consumer_stuck", idle_s=round(self._standing_s))
            self._end(70)

    def _partitions_stand_s(self) -> list[float]:
        """For how long each partition with records in it was left where it is, as the looks saw.

        Time with a batch in hand does not count: nothing else could be taken meanwhile.
        """
        free_s, seen = self._consumer.free_s, self._partitions
        waits = self._consumer.waits() is not None
        self._partitions = {
            name: seen[name]
            if name in seen and seen[name][0] == position < high and not waits
            else (position, free_s)
            for name, (position, high) in self._consumer.places().items()
        }
        return [0.0, *(free_s - since for _, since in self._partitions.values())]
