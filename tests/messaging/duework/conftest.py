"""The workers of a small service, and its vendors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.messaging import UnitOfWork
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.duework.texts_and_cards import (
    Cards,
    Sms,
    Start,
    Vendor,
    on,
)


@pytest.fixture
def sms() -> Vendor:
    return Vendor()


@pytest.fixture
def cards() -> Vendor:
    return Vendor()


@pytest.fixture
async def unit(database: Database, engine: AsyncEngine, clock: FixedClock) -> Any:
    mine = create_engine(database.url)
    yield UnitOfWork(mine, clock, on)
    await mine.dispose()


@pytest.fixture
async def start(unit: UnitOfWork, sms: Vendor, cards: Vendor) -> AsyncIterator[Start]:
    tasks: list[asyncio.Task[None]] = []

    def workers(**limits: Any) -> Workers:
        quick: dict[str, Any] = {"poll_s": 0.02, "backoff_s": 0.05} | limits
        started = Workers(on, unit, {Sms: sms, Cards: cards}, limits=WorkLimits(**quick))
        tasks.append(asyncio.create_task(started.run()))
        return started

    yield workers
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
