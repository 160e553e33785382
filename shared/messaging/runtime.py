"""Everything of a service that runs beside its HTTP routes: consumer, relay, workers, watchdog."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from sqlalchemy import text

from shared.clock import Clock
from shared.db import create_engine, unreachable
from shared.messaging import replaying
from shared.messaging.causes import passes
from shared.messaging.consumer import Consumer
from shared.messaging.handlers import Handlers
from shared.messaging.outbox import offer_again
from shared.messaging.relay import Relay
from shared.messaging.seam import Limits, Seam
from shared.messaging.transaction import UnitOfWork
from shared.messaging.watchdog import Watchdog
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from shared.vault import Vault

log = structlog.get_logger(__name__)

MAX_EVENT_BYTES = 900_000


@dataclass(frozen=True, slots=True)
class Rest:
    """Whether a service has anything left to do at this moment of practice time.

    `moves` counts what it has done so far: a run is at rest when every service says so twice and
    none has moved in between.
    """

    at_rest: bool
    next_due_at: datetime | None
    outbox: int
    unheard: int | None
    unfinished_work: int
    moves: int


def make_producer(bootstrap_servers: str) -> AIOKafkaProducer:
    """A producer that keeps each partition's order and waits for every replica."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_request_size=MAX_EVENT_BYTES,
        request_timeout_ms=8_000,
    )


class Runtime:
    """Builds and runs the moving parts of one service process."""

    def __init__(
        self,
        handlers: Handlers,
        *,
        database_url: str,
        bootstrap_servers: str,
        clock: Clock,
        gateways: Mapping[type[Any], object],
        topic_prefix: str = "",
        vault: Vault | None = None,
        work_limits: WorkLimits | None = None,
        seam_limits: Limits | None = None,
        session_timeout_s: float = 10.0,
        replay_on_start: timedelta | None = None,
    ) -> None:
        handlers.check_complete()
        self.engine = create_engine(database_url, pool_size=20)
        self.clock = clock
        self.handlers = handlers
        self.work = UnitOfWork(self.engine, clock, handlers, topic_prefix=topic_prefix, vault=vault)
        self.seam = Seam(handlers, self.work, limits=seam_limits)
        self.relay = Relay(self.work, lambda: make_producer(bootstrap_servers))
        self.workers = Workers(handlers, self.work, gateways, limits=work_limits)
        topics = [topic_prefix + name for name in handlers.heard_topics()]
        self.consumer = (
            Consumer(
                self.seam,
                topics,
                bootstrap_servers=bootstrap_servers,
                session_timeout_s=session_timeout_s,
            )
            if topics
            else None
        )
        self.watchdog = None if self.consumer is None else Watchdog(self.consumer)
        self._gateways = gateways
        self._replay_on_start = replay_on_start
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start every part. None waits for Kafka or PostgreSQL to be there."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "relay": self._run_relay,
            "workers": self.workers.run,
            "follow_up": self._follow_up,
        }
        if self.consumer is not None:
            parts["consumer"] = self.consumer.run
        if self.watchdog is not None:
            parts["watchdog"] = self.watchdog.run
        self._tasks = [
            asyncio.create_task(_stay(name, run), name=name) for name, run in parts.items()
        ]

    async def stop(self) -> None:
        """End every part, then close what the gateways hold (`aclose`, where they have one)."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for gateway in self._gateways.values():
            if (aclose := getattr(gateway, "aclose", None)) is not None:
                await aclose()
        await self.engine.dispose()

    async def rest(self) -> Rest:
        """Whether there is anything left to do now, and when there next will be."""
        async with self.engine.connect() as connection:
            waiting = int(
                (await connection.execute(text("SELECT count(*) FROM outbox"))).scalar_one()
            )
        unfinished = await self.workers.unfinished()
        if unfinished:  # a clock that was stepped wakes nobody, and whoever steps it asks here
            self.work.wakes.due_work.set()
        unheard = 0 if self.consumer is None else await self.consumer.behind()
        return Rest(
            at_rest=waiting == unfinished == unheard == self.workers.tally.running == 0,
            next_due_at=await self.workers.next_due_at(),
            outbox=waiting,
            unheard=unheard,
            unfinished_work=unfinished,
            moves=self.workers.tally.done + self.seam.batches,
        )

    async def database_trouble(self) -> str | None:
        try:
            async with asyncio.timeout(3.0), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:
            if unreachable(error) or isinstance(error, TimeoutError):
                return "the database cannot be reached"
            raise
        return None

    async def consumer_trouble(self) -> str | None:
        return None if self.watchdog is None else self.watchdog.trouble()

    async def relay_trouble(self) -> str | None:
        return self.relay.trouble and f"the relay waits for {self.relay.trouble}"

    async def workers_trouble(self) -> str | None:
        idle_s = monotonic() - self.workers.last_pass_at
        return f"the workers have not looked for {idle_s:.0f} s" if idle_s > 30 else None  # noqa: PLR2004  # far past any poll

    async def _run_relay(self) -> None:
        if self._replay_on_start is not None:
            await self._offer_again(self._replay_on_start)
        await self.relay.run()

    async def _offer_again(self, span: timedelta) -> None:
        """The embedded broker keeps nothing across restarts: say what was said lately once more."""
        while True:
            try:
                async with self.work.transaction() as tx:
                    count = await offer_again(tx.connection, since=tx.now - span, now=tx.now)
            except Exception as error:
                if not (unreachable(error) or passes(error)):
                    raise
                await asyncio.sleep(1.0)
            else:
                log.info("events_offered_again", events=count)
                return

    async def _follow_up(self) -> None:
        """Let held events follow once the parked one before them is resolved."""
        while True:
            try:
                await replaying.follow_up(self.seam)
            except Exception as error:
                if not (unreachable(error) or passes(error)):
                    raise
                log.warning("follow_up_waits", error_type=type(error).__name__)
            await asyncio.sleep(2.0)


async def _stay(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a part for as long as the process lives; a part that dies takes the process along."""
    try:
        await run()
    except Exception as error:  # the supervisor starts a whole process again, never half of one
        log.critical("part_died", part=name, error_type=type(error).__name__, exc_info=error)
        os._exit(70)
