"""Workers for what falls due: timers, which are decided, and outside calls, which are made.

A timer is decided in the transaction that takes it from the table, so it is decided once. A call
is leased first, in a short transaction of its own; then what it needs is read, in a transaction
that also has the lease run anew; then it is made with no session open; then its outcome is stored,
in a transaction that also ends the work and that counts only if the lease's fencing number is
still the newest. A crash anywhere leaves the row leased; when the lease runs out the work is taken
again, and the caller repeats the call under the same key. Work whose leases keep running out is
parked.

Rounds are timers that come again: the transaction that decides one, or parks it, also leaves the
next.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import lost_race, unreachable
from shared.errors import Misconfigured, Poison, Retry
from shared.ids import new_id
from shared.messaging import duework
from shared.messaging.breaker import Breaker
from shared.messaging.causes import code_of, on_behalf, passes
from shared.messaging.duework import Leased, Wish
from shared.messaging.handlers import Call, Handlers
from shared.messaging.transaction import Transaction, UnitOfWork
from shared.messaging.wakes import woken
from shared.messaging.work import Fact

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """How much at once (calls: per vendor), and how long before giving up. Real time."""

    at_once: int = 16
    timers_at_once: int = 200
    poll_s: float = 0.25
    lease_s: float = 45.0
    backoff_s: float = 0.5
    backoff_cap_s: float = 900.0
    attempts: int = 40
    bug_attempts: int = 5


@dataclass(slots=True)
class Tally:
    """What the workers did, for metrics and for knowing when all is at rest."""

    running: int = 0
    done: int = 0
    lateness_s: float = 0.0
    breakers: dict[str, Breaker] = field(default_factory=dict)


@dataclass(slots=True)
class _OfItself:
    """The cause of what nobody asked for."""

    correlation_id: UUID
    causes_work: UUID | None = None
    traceparent: str | None = None

    @classmethod
    def new(cls) -> _OfItself:
        return cls(new_id())


class _NoOutcome(Exception):
    """A call ended without a fact; whatever the vendor's error was, it is not the database's."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class _LostLease(Exception):
    """Another worker has the work by now; nothing that this one did for it may stay."""


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
        self._gateways = gateways
        self._limits = limits or WorkLimits()
        self._running: dict[asyncio.Task[None], str] = {}
        self._kinds: dict[str, list[str]] = {}
        for kind, call in handlers.calls.items():
            if call.gateway not in gateways:
                raise LookupError(f"{handlers.service}: no gateway for {call.gateway.__name__}")
            self.tally.breakers.setdefault(call.vendor, Breaker())
            self._kinds.setdefault(call.vendor, []).append(kind)
            if call.time_limit_s >= self._limits.lease_s:
                raise Misconfigured(
                    f"PRACTICE_WORK_LEASE_S: must be over {call.time_limit_s:g} s, which a call for"
                    f" {kind} may take; while it is made, nobody else may make it"
                )

    async def run(self) -> None:
        began = False
        try:
            while True:
                try:
                    if not began:
                        await self.begin_rounds()
                        began = True
                    moved = await self.decide_timers() + await self.start_calls()
                except Exception as error:
                    if not unreachable(error):
                        log.error("worker_bug", error_type=type(error).__name__, exc_info=error)
                    await asyncio.sleep(1.0)
                else:
                    self.last_pass_at = monotonic()
                    if not moved:
                        await woken(self._work.wakes.due_work, within_s=self._limits.poll_s)
        finally:
            running = list(self._running)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

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

    async def begin_rounds(self) -> None:
        """Have every round wait for its first time that does not wait already."""
        now = self._work.clock.now()
        wishes = [
            Wish(one.key, one.work, one.after(now), _OfItself.new())
            for one in self._handlers.rounds.values()
        ]
        if wishes:
            async with self._work.engine.begin() as connection:
                await duework.write_missing(connection, wishes)

    async def decide_timers(self) -> int:
        """Decide everything that has fallen due, many in one transaction. Returns how many."""
        if not self._handlers.timers:
            return 0
        try:
            return await self._decide(self._limits.timers_at_once)
        except Exception as error:
            if unreachable(error):
                raise
            return await self._decide_alone()

    async def _decide(self, limit: int) -> int:
        async with self._work.transaction() as tx:
            taken = await self._take_timers(tx, limit)
            for leased in taken:
                await self._decide_timer(tx, leased)
        return len(taken)

    async def _take_timers(self, tx: Transaction, limit: int) -> list[Leased]:
        taken = await duework.take(tx.connection, self._handlers.timers, now=tx.now, limit=limit)
        if taken:
            self.tally.lateness_s = (tx.now - taken[0].due_at).total_seconds()
        return taken

    async def _decide_timer(self, tx: Transaction, leased: Leased) -> None:
        timer = self._handlers.timers[leased.kind]
        with on_behalf(
            "timer", leased.correlation_id, leased.traceparent, kind=leased.kind
        ) as here:
            cause = replace(leased, traceparent=here)
            await timer.decide(timer.work.model_validate(leased.payload), _caused(tx, cause))
        await self._leave_next_round(tx.connection, leased.kind)

    async def _leave_next_round(self, connection: AsyncConnection, kind: str) -> None:
        if (one := self._handlers.rounds.get(kind)) is not None:
            due = one.after(self._work.clock.now())
            await duework.write(connection, [Wish(one.key, one.work, due, _OfItself.new())])

    async def _decide_alone(self) -> int:
        """Decide due timers one by one, each in its own transaction; what fails rests or parks."""
        for decided in range(self._limits.timers_at_once):
            leased: Leased | None = None
            try:
                async with self._work.transaction() as tx:
                    taken = await self._take_timers(tx, 1)
                    if not taken:
                        return decided
                    leased = taken[0]
                    await self._decide_timer(tx, leased)
            except Exception as error:
                if unreachable(error) or leased is None:
                    raise
                await self._put_off(leased, error, attempts=leased.attempts + 1)
        return self._limits.timers_at_once

    async def start_calls(self) -> int:
        """Lease due calls and start making them, each vendor's beside the others'.

        A vendor has room of its own, so one that hangs never takes another's. Returns how many
        calls were started.
        """
        busy = Counter(self._running.values())
        rooms = {
            vendor: self.tally.breakers[vendor].room(self._limits.at_once, busy[vendor])
            for vendor in self._kinds
        }
        if not any(room > 0 for room in rooms.values()):
            return 0
        leases: list[Leased] = []
        async with self._work.engine.begin() as connection:
            for vendor, room in rooms.items():
                if room > 0:
                    leases += await duework.lease(
                        connection,
                        self._kinds[vendor],
                        now=self._work.clock.now(),
                        limit=room,
                        lease_s=self._limits.lease_s,
                    )
        for leased in leases:
            task = asyncio.create_task(self._make(leased))
            self._running[task] = self._handlers.calls[leased.kind].vendor
            task.add_done_callback(self._ended)
        self.tally.running = len(self._running)
        return len(leases)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self.tally.running = len(self._running)
        self.tally.done += 1
        self._work.wakes.due_work.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("work_left_to_its_lease", error_type=type(error).__name__)

    async def _make(self, leased: Leased) -> None:
        """Make one call and store its outcome; what fails rests, or is parked for a person."""
        with on_behalf("work", leased.correlation_id, leased.traceparent, kind=leased.kind) as here:
            cause = replace(leased, traceparent=here)
            call = self._handlers.calls[leased.kind]
            if leased.attempts > self._limits.attempts:
                await self._put_off(leased, Retry("leases_ran_out"), attempts=leased.attempts)
                return
            try:
                argument = await self._argument(call, cause)
                fact = None if argument is None else await self._ask(call, argument)
                await self._store(cause, fact)
            except _LostLease:
                log.info("lost_lease", kind=leased.kind)
            except _NoOutcome as none:
                await self._put_off(leased, none.error, attempts=leased.attempts)
            except Exception as error:
                if unreachable(error):
                    raise
                await self._put_off(leased, error, attempts=leased.attempts)

    async def _ask(self, call: Call[Any], argument: Any) -> Fact:
        """The outside call itself; only what happens here says anything about the vendor."""
        breaker = self.tally.breakers[call.vendor]
        try:
            async with asyncio.timeout(call.time_limit_s):
                fact = await call.call(argument, self._gateways[call.gateway])
        except (Retry, TimeoutError) as error:
            breaker.failed()
            raise _NoOutcome(error) from error
        except Exception as error:
            raise _NoOutcome(error) from error
        breaker.worked()
        return fact

    async def _argument(self, call: Call[Any], leased: Leased) -> Any:
        """What the caller gets: the work itself, or what its `loads` reads now.

        Reading may take long, so the lease runs anew at its end and the call has all of it.
        """
        work = call.work.model_validate(leased.payload)
        if call.loads is None:
            return work
        async with self._work.transaction() as tx:
            loaded = await call.loads(_caused(tx, leased), work)
            if not await duework.renew(tx.connection, leased, lease_s=self._limits.lease_s):
                raise _LostLease
            return loaded

    async def _store(self, leased: Leased, fact: Fact | None) -> None:
        """End the work and store what was found; nothing, if another worker holds it by now."""
        for attempt in range(5):
            try:
                async with self._work.transaction() as tx:
                    if not await duework.end(tx.connection, leased):
                        log.info("outcome_of_lost_lease", kind=leased.kind)
                        return
                    if fact is not None:
                        await self._handlers.outcomes[type(fact)](fact, _caused(tx, leased))
            except Exception as error:
                if not lost_race(error) or attempt == 4:  # noqa: PLR2004  # the last of five tries
                    raise
                await asyncio.sleep(0.02 * 2**attempt)
            else:
                return

    async def _put_off(self, leased: Leased, error: Exception, *, attempts: int) -> None:
        """Let the work rest with backoff, or park it when it can never succeed."""
        limits = self._limits
        code = code_of(error)
        if not passes(error) and not isinstance(error, Poison):
            log.error("work_bug", kind=leased.kind, error_type=code, exc_info=error)
        give_up = isinstance(error, Poison) or attempts >= (
            limits.attempts if passes(error) else limits.bug_attempts
        )
        log.warning(
            "work_put_off", kind=leased.kind, reason=code, attempts=attempts, parked=give_up
        )
        async with self._work.engine.begin() as connection:
            if give_up:
                now = self._work.clock.now()
                await duework.park(connection, leased, code=code, attempts=attempts, now=now)
                await self._leave_next_round(connection, leased.kind)
                return
            rest_s = min(limits.backoff_cap_s, limits.backoff_s * 2 ** min(attempts - 1, 20))
            await duework.rest(connection, leased, code=code, attempts=attempts, rest_s=rest_s)


def _caused(tx: Transaction, leased: Leased) -> Transaction:
    return tx.caused_by(
        event_id=leased.causation_id,
        correlation_id=leased.correlation_id,
        traceparent=leased.traceparent,
    )
