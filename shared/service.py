"""One service process, put together: settings, runtime, HTTP, and the way it starts and ends."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import MetaData, text

from shared import logs, telemetry
from shared.auth import Tokens, public
from shared.clock import clock_at
from shared.db import BackboneBase, create_engine, migrate
from shared.http.app import build_app
from shared.http.audit_chain import audit_routes
from shared.http.health import health_routes
from shared.messaging import parked
from shared.messaging.handlers import Handlers
from shared.messaging.operations import operations_routes
from shared.messaging.runtime import Runtime
from shared.messaging.work_limits import WorkLimits
from shared.sealed import reseal
from shared.settings import PracticeSettings, ServiceSettings, or_exit
from shared.vault import Vault


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service's `app.py` hands over."""

    handlers: Handlers
    metadata: MetaData
    practice: PracticeSettings
    own: ServiceSettings
    gateways: Mapping[type[Any], object]
    routers: Sequence[APIRouter]
    state: Mapping[str, object]


class Service:
    """A service's runtime and its app."""

    def __init__(self, parts: Parts) -> None:
        practice = parts.practice
        self.parts = parts
        self.metrics = telemetry.Metrics()
        clock = clock_at(practice.clock_file)
        logs.set_up(parts.handlers.service, level=practice.log_level, clock=clock)
        vault = Vault(practice.vault_keys.get_secret_value())
        telemetry.set_up_tracing(parts.handlers.service, practice.trace_file)
        self.runtime = Runtime(
            parts.handlers,
            database_url=parts.own.database_url.get_secret_value(),
            bootstrap_servers=practice.kafka_bootstrap_servers,
            clock=clock,
            gateways={
                kind: telemetry.measured(gateway, kind.__name__, self.metrics)
                for kind, gateway in parts.gateways.items()
            },
            topic_prefix=practice.topic_prefix,
            vault=vault,
            work_limits=WorkLimits(lease_s=practice.work_lease_s),
            session_timeout_s=practice.consumer_session_s,
            replay_on_start=(
                timedelta(hours=practice.replay_on_start_h) if practice.replay_on_start_h else None
            ),
        )
        checks = {
            "database": self.runtime.database_trouble,
            "consumer": self.runtime.consumer_trouble,
            "relay": self.runtime.relay_trouble,
            "workers": self.runtime.workers_trouble,
        }
        self.app = build_app(
            parts.handlers.service,
            unit=self.runtime.work,
            tokens=Tokens(practice.token_secret.get_secret_value(), env=practice.env),
            vault=vault,
            metrics=self.metrics,
            routers=[
                *parts.routers,
                operations_routes(self.runtime),
                audit_routes(self.runtime.engine),
                health_routes(checks, self.metrics, self._sample),
                self._rest_route(),
            ],
            lifespan=self._lifespan,
        )
        for name, value in parts.state.items():
            setattr(self.app.state, name, value)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        await self.runtime.start()
        yield
        await self.runtime.stop()
        telemetry.stop_tracing()  # the last spans still wait to be written

    def _rest_route(self) -> APIRouter:
        router = APIRouter(tags=["health"])

        @router.get("/health/rest", dependencies=[public("probes carry no token")])
        async def rest() -> JSONResponse:
            """Whether anything is left to do at this moment of practice time."""
            found = await self.runtime.rest()
            return JSONResponse(
                {
                    "service": self.parts.handlers.service,
                    "at_rest": found.at_rest,
                    "next_due_at": found.next_due_at and found.next_due_at.isoformat(),
                    "outbox": found.outbox,
                    "unheard": found.unheard,
                    "unfinished_work": found.unfinished_work,
                    "moves": found.moves,
                }
            )

        return router

    async def _sample(self) -> None:
        """Bring the gauges up to date; called when they are read."""
        runtime, metrics = self.runtime, self.metrics
        if runtime.consumer is not None:
            for partition, lag in runtime.consumer.lag().items():
                metrics.consumer_lag.labels(partition).set(lag)
            metrics.consumer_idle.set(monotonic() - runtime.consumer.progress_at)
        metrics.work_running.set(runtime.workers.tally.running)
        metrics.timer_lateness.set(runtime.workers.tally.lateness_s)
        for vendor, breaker in runtime.workers.tally.breakers.items():
            metrics.breaker_open.labels(vendor).set(0 if breaker.closed else 1)
            metrics.key_refused.labels(vendor).set(1 if breaker.held else 0)
        if await runtime.database_trouble() is not None:
            return
        metrics.work_unfinished.set(await runtime.workers.unfinished())
        async with runtime.engine.connect() as connection:
            depth, oldest = (
                await connection.execute(text("SELECT count(*), min(committed_at) FROM outbox"))
            ).one()
            metrics.outbox_depth.set(depth)
            age = (runtime.clock.now() - oldest).total_seconds() if oldest else 0.0
            metrics.outbox_age.set(age)
            waiting = await parked.counts(connection, runtime.seam.consumer)
            metrics.parked.clear()
            for (what, state, reason), count in waiting.items():
                if what == "event":
                    metrics.parked.labels(state, reason).set(count)
            for what, gauge in (("work", metrics.parked_work), ("outbox", metrics.parked_outbox)):
                gauge.set(sum(count for (kind, *_), count in waiting.items() if kind == what))


async def migrate_service(parts: Parts) -> None:
    """Bring the service's database to the newest schema."""
    engine = create_engine(parts.own.database_url.get_secret_value(), pool_size=1)
    try:
        await migrate(engine, parts.handlers.service, parts.metadata)
    finally:
        await engine.dispose()


async def reseal_service(parts: Parts) -> None:
    """Bring everything that is sealed in the service's database under the newest key."""
    vault = Vault(parts.practice.vault_keys.get_secret_value())
    engine = create_engine(parts.own.database_url.get_secret_value(), pool_size=1)
    try:
        count = await reseal(engine, (BackboneBase.metadata, parts.metadata), vault)
    finally:
        await engine.dispose()
    sys.stdout.write(f"{parts.handlers.service}: {count} values resealed\n")


def keep_for_good() -> None:
    """Take what the process has built so far out of the collector's sight: it is never garbage.

    The modules of a service are some 250,000 objects, and looking at them all for cycles stops
    everything for about a quarter of a second, again and again.
    """
    gc.collect()
    gc.freeze()


def main(build: Any) -> None:
    """`python -m services.NAME` runs the service.

    `... migrate` brings its database up to date, `... reseal` what is sealed in it under the
    newest key.
    """
    parts: Parts = or_exit(build)
    jobs = {"migrate": migrate_service, "reseal": reseal_service}
    if (job := jobs.get(" ".join(sys.argv[1:]))) is not None:
        asyncio.run(job(parts))
        return
    service = or_exit(lambda: Service(parts))
    keep_for_good()
    uvicorn.run(
        service.app,
        host=parts.own.http_host,
        port=parts.own.http_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        lifespan="on",
    )
