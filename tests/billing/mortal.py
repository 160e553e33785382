"""A billing that is killed again and again, for tests of what is done once all the same."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.clock import RunClock
from tests.billing.conftest import Billing
from tests.billing.process import elsewhere, everything_said
from tests.support import leases
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics

CHANGES = ("before", "after", "written")
READS = ("after", "written")  # a read not made is a read not stored


@dataclass(slots=True)
class Mortal:
    """A billing that is killed again and again, seen from the clinic."""

    process: ServiceProcess
    clinic: Billing
    engine: AsyncEngine
    topics: Topics

    async def dies_around(
        self, call: str, sides: tuple[str, ...], cause: Callable[[], Awaitable[object]] | None
    ) -> None:
        """Die at each side of a call. `cause` has it made; without one it follows by itself."""
        for side in sides:
            self.process.start_armed(f"{side} {call}")
            if cause is not None:
                await self.process.until_ready()
                with contextlib.suppress(httpx.TransportError):  # it may die before it answers
                    await cause()
                cause = None
            await eventually(lambda: self.process.died_by_kill, within_s=40)
            assert await leases.run_out(self.engine), f"killed {side} {call}, and not at work"

    async def rows(self, query: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(text(query)))

    async def lives(self) -> None:
        """Start it unarmed, and have it do all that is left to do."""
        self.process.start()
        await self.process.until_ready()
        await self.process.until_at_rest()

    async def said_once(self) -> list[str]:
        """The types of the events, each once, however often Kafka was handed it."""
        headers = [dict(one.headers) for one in await everything_said(self.topics)]
        types = {one["ce_id"]: one["ce_type"].decode() for one in headers}
        return [kind.removeprefix("billing.") for kind in types.values()]


@pytest.fixture(name="mortal")
async def mortal_billing(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: ClaimDesk,
    topics: Topics,
    tmp_path: Path,
) -> AsyncIterator[Mortal]:
    """Not started yet. Stripe tells it nothing: what it knows, it has asked for."""
    async with elsewhere(running_world, world, database, scheduling, topics, tmp_path) as billing:
        yield Mortal(*billing, topics)
