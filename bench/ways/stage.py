"""What every way has in common: where it works, and how it is timed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter

from aiokafka import AIOKafkaProducer

from bench.bare import connect
from bench.watched import watched

LOOKS_EVERY_S = 0.005
GIVES_UP_AFTER_S = 300.0


@dataclass(slots=True)
class Stage:
    """A database and topics where `events` records wait, and the stopwatch of one round."""

    database_url: str
    bootstrap_servers: str
    prefix: str
    events: int
    acknowledged: int = 0
    first_at: float | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def topic(self) -> str:
        return self.prefix + "scheduling"

    @property
    def group(self) -> str:
        """A consumer group of the round's own."""
        return self.prefix + "billing"

    def begins(self) -> None:
        """The first record is in hand."""
        if self.first_at is None:
            self.first_at = perf_counter()

    def producer(self) -> AIOKafkaProducer:
        """A producer of the house that tells the stage what the broker has acknowledged."""
        return watched(self.bootstrap_servers, self._count)

    def _count(self, _event_id: str) -> None:
        self.acknowledged += 1
        if self.acknowledged == self.events:
            self.done.set()

    async def finished(self) -> float:
        """Wait for the last acknowledgement and an empty outbox; seconds since the first record."""
        async with asyncio.timeout(GIVES_UP_AFTER_S):
            await self.done.wait()
            connection = await connect(self.database_url)
            try:
                while await connection.fetchval(  # noqa: ASYNC110  # a table wakes nobody
                    "SELECT EXISTS (SELECT FROM outbox)"
                ):
                    await asyncio.sleep(LOOKS_EVERY_S)
            finally:
                await connection.close()
        assert self.first_at is not None
        return perf_counter() - self.first_at


@asynccontextmanager
async def running(*parts: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run parts until the block ends; one that dies ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(part)) for part in parts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _run(part: Callable[[], Awaitable[None]]) -> None:
    await part()
