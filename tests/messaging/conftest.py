"""A small service on the real backbone: it hears scheduling's events and keeps a tally."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.messaging.handlers import Handlers
from shared.messaging.runtime import Runtime
from tests.messaging.records import START
from tests.support.templates import Templates


@pytest.fixture
async def database(templates: Templates) -> AsyncIterator[Database]:
    """A database with the backbone's tables, for one test."""
    async with templates.copied("none", MetaData()) as database:
        yield database


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """A database with the backbone's tables and one of the test's own."""
    engine = create_engine(database.url)
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE tally (n bigint GENERATED ALWAYS AS IDENTITY, who text, what text)")
        )
    yield engine
    await engine.dispose()


async def tally(engine: AsyncEngine) -> list[tuple[str, str]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT who, what FROM tally ORDER BY n"))
        return [tuple(row) for row in rows]


async def scalar(engine: AsyncEngine, query: str) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(text(query))).scalar()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


MakeRuntime = Callable[..., Runtime]


@pytest.fixture
async def run_service(
    database: Database, engine: AsyncEngine, topics: Any, clock: FixedClock
) -> AsyncIterator[Callable[..., Awaitable[Runtime]]]:
    """Start a service's runtime on the test's database and topics; stopped afterwards."""
    started: list[Runtime] = []

    async def run(handlers: Handlers, **options: Any) -> Runtime:
        runtime = Runtime(
            handlers,
            database_url=database.url,
            bootstrap_servers=topics.bootstrap_servers,
            clock=clock,
            gateways=options.pop("gateways", {}),
            topic_prefix=topics.prefix,
            session_timeout_s=2.0,
            **options,
        )
        await runtime.start()
        started.append(runtime)
        return runtime

    yield run
    for runtime in started:
        await runtime.stop()
