"""Outside calls that are due: leased, made with no session open, and their outcome stored.

The lease is a short transaction of its own. Then what the call needs is read, in a transaction
that also has the lease run anew; then it is made; then its outcome is stored, in a transaction
that also ends the work and that counts only if the lease's fencing number is still the newest. A
crash anywhere leaves the row leased; when the lease runs out the work is taken again, and the
caller repeats the call under the same key. Work whose leases keep running out is parked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from shared.db import lost_race, unreachable
from shared.errors import KeyRefused, Misconfigured, Poison, Retry
from shared.messaging import duework
from shared.messaging.breaker import Breaker
from shared.messaging.causes import caused, on_behalf
from shared.messaging.duework import Leased, Share
from shared.messaging.handlers import Call, Handlers
from shared.messaging.putting_off import PutOff
from shared.messaging.transaction import UnitOfWork
from shared.messaging.work import Fact
from shared.messaging.work_limits import Tally, WorkLimits

log = structlog.get_logger(__name__)


class _NoOutcome(Exception):
    """A call ended without a fact; whatever the vendor's error was, it is not the database's."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class _LostLease(Exception):
    """Another worker has the work by now; nothing that this one did for it may stay."""


class Calls:
    """Makes the calls of one service, each vendor's beside the others'."""

    def __init__(
        self,
        handlers: Handlers,
        work: UnitOfWork,
        gateways: Mapping[type[Any], object],
        limits: WorkLimits,
        tally: Tally,
    ) -> None:
        self._handlers = handlers
        self._work = work
        self._gateways = gateways
        self._limits = limits
        self._tally = tally
        self._put_off = PutOff(handlers, work, limits)
        self._running: dict[asyncio.Task[None], str] = {}
        self._kinds: dict[str, list[str]] = {}
        for kind, call in handlers.calls.items():
            if call.gateway not in gateways:
                raise LookupError(f"{handlers.service}: no gateway for {call.gateway.__name__}")
            tally.breakers.setdefault(call.vendor, Breaker())
            self._kinds.setdefault(call.vendor, []).append(kind)
            if call.time_limit_s >= limits.lease_s:
                raise Misconfigured(
                    f"PRACTICE_WORK_LEASE_S: must be over {call.time_limit_s:g} s, which a call for"
                    f" {kind} may take; while it is made, nobody else may make it"
                )

    async def stop(self) -> None:
        """Leave what is under way to its leases."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def start(self) -> int:
        """Lease due calls and start making them, each vendor's beside the others'.

        A vendor has room of its own, so one that hangs never takes another's. Returns how many
        calls were started.
        """
        busy = Counter(self._running.values())
        rooms = {
            vendor: self._tally.breakers[vendor].room(self._limits.at_once, busy[vendor])
            for vendor in self._kinds
        }
        shares = [Share(self._kinds[vendor], room) for vendor, room in rooms.items() if room > 0]
        if not shares:
            return 0
        async with self._work.engine.begin() as connection:
            leases = await duework.lease(
                connection, shares, now=self._work.clock.now(), lease_s=self._limits.lease_s
            )
        for leased in leases:
            task = asyncio.create_task(self._make(leased))
            self._running[task] = self._handlers.calls[leased.kind].vendor
            task.add_done_callback(self._ended)
        self._tally.running = len(self._running)
        return len(leases)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._tally.running = len(self._running)
        self._tally.done += 1
        self._work.wakes.due_work.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("work_left_to_its_lease", error_type=type(error).__name__)

    async def _make(self, leased: Leased) -> None:
        """Make one call and store its outcome; what fails rests, or is parked for a person."""
        with on_behalf("work", leased.correlation_id, leased.traceparent, kind=leased.kind) as here:
            cause = replace(leased, traceparent=here)
            call = self._handlers.calls[leased.kind]
            if leased.leases_lost >= self._limits.lost_leases:
                await self._put_off(leased, Poison("leases_ran_out"), attempts=leased.attempts)
                return
            try:
                argument = await self._argument(call, cause)
                if argument is not None:
                    await self._store(cause, await self._ask(call, argument))
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
        breaker = self._tally.breakers[call.vendor]
        try:
            async with asyncio.timeout(call.time_limit_s):
                fact = await call.call(argument, self._gateways[call.gateway])
        except KeyRefused as error:
            if breaker.hold(error, self._work.clock.now()):
                log.error(
                    "vendor_refuses_our_key",
                    vendor=error.vendor,
                    setting=error.setting,
                    reason=error.code,
                )
            raise _NoOutcome(error) from error
        except (Retry, TimeoutError) as error:
            breaker.failed()
            raise _NoOutcome(error) from error
        except Exception as error:
            raise _NoOutcome(error) from error
        breaker.worked()
        return fact

    async def _argument(self, call: Call[Any], leased: Leased) -> Any:
        """What the caller gets: the work itself, or what its `loads` reads now.

        Reading may take long, so the lease runs anew at its end and the call has all of it. Where
        there is nothing to call for any more, the work ends here.
        """
        work = call.work.model_validate(leased.payload)
        if call.loads is None:
            return work
        async with self._work.transaction() as tx:
            loaded = await call.loads(caused(tx, leased), work)
            if loaded is None:
                is_ours = await duework.end(tx.connection, leased)
            else:
                is_ours = await duework.renew(tx.connection, leased, lease_s=self._limits.lease_s)
            if not is_ours:
                raise _LostLease
            return loaded

    async def _store(self, leased: Leased, fact: Fact) -> None:
        """End the work and store what was found; nothing, if another worker holds it by now."""
        for attempt in range(5):
            try:
                async with self._work.transaction() as tx:
                    if not await duework.end(tx.connection, leased):
                        log.info("outcome_of_lost_lease", kind=leased.kind)
                        return
                    await self._handlers.outcomes[type(fact)](fact, caused(tx, leased))
            except Exception as error:
                if not lost_race(error) or attempt == 4:  # noqa: PLR2004  # the last of five tries
                    raise
                await asyncio.sleep(0.02 * 2**attempt)
            else:
                return
