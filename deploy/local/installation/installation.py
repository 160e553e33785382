"""Starts everything at once, keeps it running, and stops all that it started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from time import monotonic
from typing import Any, NoReturn, Self, TypeVar

import httpx
from sqlalchemy import MetaData

from deploy.kafka.topics import prefixed
from deploy.local.ground import Kafka
from deploy.local.installation.errors import Trouble
from deploy.local.installation.plan import OUTSIDE, SERVICES, Plan
from deploy.local.installation.state import State
from deploy.local.installation.watched import Watched
from deploy.local.kafka_embedded import EmbeddedKafka
from deploy.local.postgres import Database, EmbeddedPostgres, Postgres
from deploy.local.processes import last_lines
from shared.clock import RunClock
from shared.db import create_engine, migrate

READY_WITHIN_S = 90.0
_LOOK_S = 0.05
_WATCH_S = 0.5

T = TypeVar("T")

Say = Callable[[str], None]


def embedded_kafka(plan: Plan) -> Kafka | Postgres:
    kafka = EmbeddedKafka(plan.folder / "logs")
    kafka.start()
    return kafka


def embedded_postgres(plan: Plan) -> Kafka | Postgres:
    postgres = EmbeddedPostgres(plan.folder / "postgres", durable=plan.keeps_data)
    if not plan.keeps_data:
        postgres.destroy()
        postgres = EmbeddedPostgres(plan.folder / "postgres", durable=False)
    postgres.start()
    return postgres


class Installation:
    """Four services, their servers, the outside world. Use it in `async with`.

    A broker or a database server that is given is used and left running; what is not given is
    started and stopped here.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        starts_at: datetime,
        rate: float,
        kafka: Kafka | None = None,
        postgres: Postgres | None = None,
        say: Say = lambda _line: None,
    ) -> None:
        self.plan = plan
        self.say = say
        plan.folder.mkdir(parents=True, exist_ok=True)
        self.clock = RunClock.create(plan.clock_file, starts_at=starts_at, rate=rate)
        self.kafka = kafka
        self.postgres = postgres
        self.databases: dict[str, Database] = {}
        self.children: dict[str, Watched] = {}
        self._topics_made = False
        self._starting: list[Future[Kafka | Postgres]] = []
        self._keepers: list[asyncio.Task[None]] = []
        # A child ends with the thread that started it: these live as long as the installation.
        self._starters = ThreadPoolExecutor(2, thread_name_prefix="starter")

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything. Returns when every part says it is ready."""
        outside = [sys.executable, "-m", "deploy.local.outside"]
        self._watch(OUTSIDE, outside, self.plan.outside_environment())
        await self._start_servers()
        assert self.kafka is not None
        assert self.postgres is not None
        await self.kafka.create_topics(prefixed(self.plan.topic_prefix))
        self._topics_made = True
        for service in SERVICES:
            await self._start_service(service, self.kafka, self.postgres)
        await self._until_ready()
        self.state().write(self.plan.folder)

    async def _start_servers(self) -> None:
        """The broker and the database server, side by side, unless they are given."""
        self.say("starting PostgreSQL and Kafka")
        if self.postgres is None:
            self._starting.append(self._starters.submit(embedded_postgres, self.plan))
        if self.kafka is None:
            self._starting.append(self._starters.submit(embedded_kafka, self.plan))
        try:
            await asyncio.gather(*map(asyncio.wrap_future, self._starting))
        except (RuntimeError, OSError) as error:
            raise Trouble(str(error)) from error
        for server in self._brought():
            if isinstance(server, Postgres):
                self.postgres = server
            else:
                self.kafka = server

    async def _start_service(self, service: str, kafka: Kafka, postgres: Postgres) -> None:
        """Bring a service's database up to date, then start the service."""
        self.say(f"starting {service}")
        database = await postgres.ensure_database(
            self.plan.database(service), self.plan.keys.database_secret
        )
        self.databases[service] = database
        engine = create_engine(database.url, pool_size=1)
        try:
            await migrate(engine, service, MetaData())
        finally:
            await engine.dispose()
        environment = self.plan.environment(
            service, bootstrap_servers=kafka.bootstrap_servers, database_url=database.url
        )
        self._watch(service, [sys.executable, "-m", f"services.{service}"], environment)

    def _watch(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        child = Watched(name, command, environment, self.plan.log(name), self.say)
        child.start()
        self.children[name] = child
        self._keepers.append(asyncio.create_task(child.keep(), name=name))

    async def _until_ready(self) -> None:
        """Wait until every service is ready and has its partitions, and the world answers."""
        deadline = monotonic() + READY_WITHIN_S
        waiting = [*SERVICES, OUTSIDE]
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
            while waiting:
                self.raise_trouble()
                if monotonic() > deadline:
                    told = last_lines(self.plan.log(waiting[0]), 5)
                    raise Trouble(
                        f"{', '.join(waiting)}: not ready within {READY_WITHIN_S:g} s. "
                        f"The log of {waiting[0]} ends with:\n{told}"
                    )
                ready = await asyncio.gather(*(self._is_ready(client, name) for name in waiting))
                fresh = [name for name, yes in zip(waiting, ready, strict=True) if yes]
                for name in fresh:
                    self.say(f"{name} is ready")
                waiting = [name for name in waiting if name not in fresh]
                await asyncio.sleep(_LOOK_S)

    async def _is_ready(self, client: httpx.AsyncClient, name: str) -> bool:
        url = self.plan.url(name)
        try:
            if name == OUTSIDE:
                return (await client.get(f"{url}/control/rest")).is_success
            if not (await client.get(f"{url}/health/ready")).is_success:
                return False
            rest = await client.get(f"{url}/health/rest")
            if not rest.is_success:
                return False
            told = rest.json()
        except httpx.HTTPError:
            return False
        if told["service"] != name:
            raise Trouble(f"{name} does not start: {told['service']} listens at {url}")
        return told["unheard"] is not None

    def raise_trouble(self) -> None:
        """Raise what keeps the installation from going on, if anything does."""
        for keeper in self._keepers:
            if keeper.done() and not keeper.cancelled() and (error := keeper.exception()):
                raise error
        for server in self._brought():
            if isinstance(server, EmbeddedKafka | EmbeddedPostgres) and server.has_died:
                raise Trouble(f"{type(server).__name__} ended by itself; start again")

    async def keep(self) -> NoReturn:
        """Watch over everything until cancelled. Raises `Trouble` when it cannot go on."""
        while True:
            self.raise_trouble()
            await asyncio.sleep(_WATCH_S)

    async def keep_during(self, work: Coroutine[Any, Any, T]) -> T:
        """Watch over everything while work goes on; `Trouble` ends the work."""
        working, keeping = asyncio.create_task(work), asyncio.create_task(self.keep())
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            return await (keeping if keeping.done() else working)
        finally:
            for task in (working, keeping):
                task.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)

    def state(self) -> State:
        assert self.kafka is not None
        return State(
            pid=os.getpid(),
            services={name: self.plan.url(name) for name in SERVICES},
            outside=self.plan.url(OUTSIDE),
            bootstrap_servers=self.kafka.bootstrap_servers,
            topic_prefix=self.plan.topic_prefix,
            logs=str(self.plan.folder / "logs"),
            token_secret=self.plan.keys.token_secret,
        )

    async def stop(self) -> None:
        """Stop all that was started here, the servers last. Safe to repeat."""
        State.forget(self.plan.folder)
        for keeper in self._keepers:
            keeper.cancel()
        for child in self.children.values():
            child.ask_to_end()
        for child in self.children.values():
            child.end()
        self.children.clear()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        # A start that was broken off goes on in its thread: what comes of it is stopped as well.
        await asyncio.to_thread(wait, self._starting)
        if not self.plan.keeps_data:
            await self._leave_nothing()
        for server in self._brought():
            if isinstance(server, EmbeddedPostgres) and not self.plan.keeps_data:
                server.destroy()
            else:
                server.stop()
        self._starting.clear()
        self._starters.shutdown()

    def _brought(self) -> list[Kafka | Postgres]:
        """The servers that were started here."""
        done = [one for one in self._starting if one.done() and not one.cancelled()]
        return [one.result() for one in done if one.exception() is None]

    async def _leave_nothing(self) -> None:
        """Take this run's databases and topics off servers that go on without it."""
        if self.postgres is not None and self.postgres not in self._brought():
            for database in self.databases.values():
                await self.postgres.drop_database(database.name)
        if self.kafka is not None and self.kafka not in self._brought() and self._topics_made:
            await self.kafka.delete_topics(prefixed(self.plan.topic_prefix))
        self.databases.clear()
