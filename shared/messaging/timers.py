"""Timers: what falls due is decided in the transaction that takes it from the table, so once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import orjson
from sqlalchemy import text

from shared.db import unreachable
from shared.messaging import duework, rounds
from shared.messaging.causes import caused, on_behalf
from shared.messaging.duework import Leased
from shared.messaging.handlers import Handlers
from shared.messaging.putting_off import PutOff
from shared.messaging.transaction import Transaction, UnitOfWork
from shared.messaging.work_limits import Tally, WorkLimits

_WAIT_BRIEFLY = text("SET LOCAL lock_timeout = '400ms'")
"""A timer has the row of its work, and often those of many more, before its decider locks anything.

Requests lock first and write such rows last, so a timer that waits for a request may be waited for
by it. It gives up before PostgreSQL looks for deadlocks (after a second), and is tried again.
"""


class Timers:
    """Decides the timers of one service."""

    def __init__(
        self, handlers: Handlers, work: UnitOfWork, limits: WorkLimits, tally: Tally
    ) -> None:
        self._handlers = handlers
        self._work = work
        self._limits = limits
        self._tally = tally
        self._put_off = PutOff(handlers, work, limits)

    async def decide(self) -> int:
        """Decide everything that has fallen due, many in one transaction. Returns how many."""
        if not self._handlers.timers:
            return 0
        try:
            return await self._decide_many(self._limits.timers_at_once)
        except Exception as error:
            if unreachable(error):
                raise
            return await self._decide_alone()

    async def _decide_many(self, limit: int) -> int:
        async with self._work.transaction() as tx:
            taken = await self._take(tx, limit)
            for leased in _different(taken):
                await self._decide_one(tx, leased)
        return len(taken)

    async def _take(self, tx: Transaction, limit: int) -> list[Leased]:
        await tx.connection.execute(_WAIT_BRIEFLY)
        taken = await duework.take(tx.connection, self._handlers.timers, now=tx.now, limit=limit)
        if taken:
            self._tally.lateness_s = (tx.now - taken[0].due_at).total_seconds()
        return taken

    async def _decide_one(self, tx: Transaction, leased: Leased) -> None:
        timer = self._handlers.timers[leased.kind]
        with on_behalf(
            "timer", leased.correlation_id, leased.traceparent, kind=leased.kind
        ) as here:
            cause = replace(leased, traceparent=here)
            await timer.decide(timer.work.model_validate(leased.payload), caused(tx, cause))
        now = self._work.clock.now()
        await rounds.leave_next(tx.connection, self._handlers, leased.kind, now)

    async def _decide_alone(self) -> int:
        """Decide due timers one by one, each in its own transaction; what fails rests or parks."""
        for decided in range(self._limits.timers_at_once):
            leased: Leased | None = None
            try:
                async with self._work.transaction() as tx:
                    taken = await self._take(tx, 1)
                    if not taken:
                        return decided
                    leased = taken[0]
                    await self._decide_one(tx, leased)
            except Exception as error:
                if unreachable(error) or leased is None:
                    raise
                await self._put_off(leased, error, attempts=leased.attempts + 1)
        return self._limits.timers_at_once


def _different(taken: Sequence[Leased]) -> Collection[Leased]:
    """Of equal work that has fallen due together, the piece that did last: all look at the same."""
    return {
        (each.kind, orjson.dumps(each.payload, option=orjson.OPT_SORT_KEYS)): each for each in taken
    }.values()
