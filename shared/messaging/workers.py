"""Workers for what falls due: timers, which are decided, and outside calls, which are made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any

import structlog

from shared.db import unreachable
from shared.messaging import duework, rounds
from shared.messaging.breaker import Held
from shared.messaging.calls import Calls
from shared.messaging.handlers import Handlers
from shared.messaging.timers import Timers
from shared.messaging.transaction import UnitOfWork
from shared.messaging.wakes import woken
from shared.messaging.work_limits import Tally, WorkLimits

log = structlog.get_logger(__name__)


class Workers:
    """Runs one service's timers and calls until cancelled. Any number of replicas may run."""

    def __init__(
        self,
        handlers: Handlers,
        work: UnitOfWork,
        gateways: Mapping[type[Any], object],
        *,
        limits: WorkLimits | None = None,
    ) -> None:
        self.last_pass_at = monotonic()
        self.tally = Tally()
        self._handlers = handlers
        self._work = work
        self._limits = limits or WorkLimits()
        self._timers = Timers(handlers, work, self._limits, self.tally)
        self._calls = Calls(handlers, work, gateways, self._limits, self.tally)

    async def run(self) -> None:
        began = False
        try:
            while True:
                try:
                    if not began:
                        await self.begin_rounds()
                        began = True
                    moved = await self.decide_timers() + await self._calls.start()
                except Exception as error:
                    if not unreachable(error):
                        log.error("worker_bug", error_type=type(error).__name__, exc_info=error)
                    await asyncio.sleep(1.0)
                else:
                    self.last_pass_at = monotonic()
                    if not moved:
                        await woken(self._work.wakes.due_work, within_s=self._limits.poll_s)
                    since_s = monotonic() - self.last_pass_at
                    await asyncio.sleep(max(0.0, self._limits.gathers_s - since_s))
        finally:
            await self._calls.stop()

    async def next_due_at(self) -> datetime | None:
        """When the earliest waiting work falls due, in practice time; `None` when none waits.

        Rounds are not waited for.
        """
        kinds = [kind for kind in self._handlers.work_kinds if kind not in self._handlers.rounds]
        async with self._work.engine.connect() as connection:
            return await duework.next_due_at(connection, kinds)

    async def unfinished(self) -> int:
        """How many pieces of work have fallen due and are neither done nor parked."""
        async with self._work.engine.connect() as connection:
            return await duework.unfinished(
                connection, self._handlers.work_kinds, now=self._work.clock.now()
            )

    def held(self) -> dict[str, Held]:
        """The gateways whose vendor does not accept our key."""
        breakers = self.tally.breakers.items()
        return {gateway: breaker.held for gateway, breaker in breakers if breaker.held is not None}

    async def waiting_for(self, gateway: str) -> int:
        """How many pieces of work have fallen due that call a gateway."""
        calls = self._handlers.calls.items()
        kinds = [kind for kind, call in calls if call.vendor == gateway]
        async with self._work.engine.connect() as connection:
            return await duework.fallen_due(connection, kinds, now=self._work.clock.now())

    async def begin_rounds(self) -> None:
        """Have every round wait for its first time that does not wait already."""
        async with self._work.engine.begin() as connection:
            await rounds.begin(connection, self._handlers, self._work.clock.now())

    async def decide_timers(self) -> int:
        """Decide everything that has fallen due. Returns how many."""
        return await self._timers.decide()
