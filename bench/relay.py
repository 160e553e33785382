"""The relay beside direct produce: how many events per second, and how much later each leaves.

An event's delay runs from the moment its transaction asks for the commit to the broker's
acknowledgement, so the commit itself is in it. A direct send has no commit and starts at `send`.
Events come at a steady rate whether or not those before them have left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.commits import mark, noted
from bench.figures import Latency, Rate
from bench.ground import Ground
from bench.load import SPEAKER, fill_outbox, infusions_completed, record_of, send
from bench.sizes import Sizes
from bench.watched import Heard, watched
from bench.ways.stage import running
from shared.clock import SystemClock, real_now
from shared.db import create_engine
from shared.events.scheduling import InfusionCompleted
from shared.messaging import UnitOfWork
from shared.messaging.relay import Relay
from shared.messaging.runtime import make_producer

EVENTS_PER_S = 100
"""The rate at which the relay's delay is measured."""

WARM_UP = 20
LOOKS_EVERY_S = 0.005
LEAVES_WITHIN_S = 120.0

_WAITS = text("SELECT EXISTS (SELECT 1 FROM outbox)")


@dataclass(frozen=True, slots=True)
class Relayed:
    """What was measured of the relay, and of direct produce beside it."""

    relay: Rate
    direct: Rate
    relay_delay: Latency
    direct_delay: Latency

    @property
    def added_p99_ms(self) -> float:
        return self.relay_delay.p99_ms - self.direct_delay.p99_ms


async def measure(ground: Ground, sizes: Sizes, step: Callable[[], object]) -> Relayed:
    """Both ways, round by round in turn. `step` is called `rounds` times for each of both."""
    rates: tuple[list[float], list[float]] = ([], [])
    delays: tuple[list[float], list[float]] = ([], [])
    async with place(ground, await ground.scheduling()) as here:
        for _ in range(sizes.rounds):
            rates[0].append(await here.drain(sizes.events))
            delays[0].extend(await here.delays(sizes.delay_s))
            step()
            rates[1].append(await here.produce(sizes.events))
            delays[1].extend(await here.direct_delays(sizes.delay_s))
            step()
    return Relayed(
        Rate(tuple(rates[0])),
        Rate(tuple(rates[1])),
        Latency.of_seconds(delays[0]),
        Latency.of_seconds(delays[1]),
    )


class Place:
    """A database with an outbox, a topic, and what carries events from the one to the other."""

    def __init__(self, database_url: str, bootstrap_servers: str, prefix: str) -> None:
        self.engine = create_engine(database_url, pool_size=12)
        self._work = UnitOfWork(self.engine, SystemClock(), SPEAKER, topic_prefix=prefix)
        self._topic = prefix + SPEAKER.service
        self._bootstrap_servers = bootstrap_servers

    async def drain(self, count: int) -> float:
        """Events per second that the relay takes from a full outbox to the broker."""
        await fill_outbox(self._work, count)
        first_at: list[float] = []

        def sending() -> None:
            if not first_at:
                first_at.append(perf_counter())

        async with running(self._relay(lambda _: None, sending).run):
            await all_left(self.engine)
            return count / (perf_counter() - first_at[0])

    async def produce(self, count: int) -> float:
        """Events per second that the same producer sends from memory in the same batches."""
        records = [record_of(event) for event in infusions_completed(count)]
        producer = make_producer(self._bootstrap_servers)
        await producer.start()
        try:
            started = perf_counter()
            await send(producer, self._topic, records)
            return count / (perf_counter() - started)
        finally:
            await producer.stop()

    async def delays(self, for_s: float) -> list[float]:
        """Seconds from asking for the commit to the acknowledgement, at a steady rate."""
        delays: list[float] = []
        with noted(self.engine) as asked:

            def heard(event_id: str) -> None:
                delays.append((real_now() - asked[event_id]).total_seconds())

            async def say(event: InfusionCompleted) -> None:
                async with self._work.transaction() as tx:
                    mark(tx, str(tx.publish(event)))

            async with running(self._relay(heard).run):
                await steadily(say, for_s)
                await all_left(self.engine)
        return delays[WARM_UP:]

    async def direct_delays(self, for_s: float) -> list[float]:
        """Seconds from `send` to the acknowledgement, at the same rate."""
        delays: list[float] = []
        producer = make_producer(self._bootstrap_servers)

        async def say(event: InfusionCompleted) -> None:
            record = record_of(event)
            started = perf_counter()
            await producer.send_and_wait(self._topic, **record)
            delays.append(perf_counter() - started)

        await producer.start()
        try:
            await steadily(say, for_s)
        finally:
            await producer.stop()
        return delays[WARM_UP:]

    def _relay(self, heard: Heard, sending: Callable[[], object] = lambda: None) -> Relay:
        return Relay(self._work, lambda: watched(self._bootstrap_servers, heard, sending=sending))


@asynccontextmanager
async def place(ground: Ground, database_url: str) -> AsyncIterator[Place]:
    """A place on fresh topics."""
    here = Place(database_url, ground.kafka.bootstrap_servers, await ground.topics())
    try:
        yield here
    finally:
        await here.engine.dispose()


async def all_left(engine: AsyncEngine) -> None:
    """Wait until an outbox is empty."""
    async with asyncio.timeout(LEAVES_WITHIN_S):
        while True:
            async with engine.connect() as connection:
                if not (await connection.execute(_WAITS)).scalar_one():
                    return
            await asyncio.sleep(LOOKS_EVERY_S)


async def steadily(
    say: Callable[[InfusionCompleted], Awaitable[None]],
    for_s: float,
    *,
    events_per_s: float = EVENTS_PER_S,
    patients: Sequence[UUID] | None = None,
) -> None:
    """Say events at a steady rate, each on time even when those before it are late."""
    events = infusions_completed(round(for_s * events_per_s), patients)
    started = perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, event in enumerate(events):
            await asyncio.sleep(max(0.0, started + number / events_per_s - perf_counter()))
            group.create_task(_said(say, event))


async def _said(
    say: Callable[[InfusionCompleted], Awaitable[None]], event: InfusionCompleted
) -> None:
    await say(event)
