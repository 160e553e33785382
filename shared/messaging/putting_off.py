"""Work that failed rests and is tried again, or is parked for a person."""

from __future__ import annotations

import structlog

from shared.errors import KeyRefused, Poison
from shared.messaging import duework, rounds
from shared.messaging.causes import code_of, passes
from shared.messaging.duework import Leased
from shared.messaging.handlers import Handlers
from shared.messaging.transaction import UnitOfWork
from shared.messaging.work_limits import WorkLimits

log = structlog.get_logger(__name__)


class PutOff:
    """Lets work rest with backoff, or parks it when it can never succeed."""

    def __init__(self, handlers: Handlers, work: UnitOfWork, limits: WorkLimits) -> None:
        self._handlers = handlers
        self._work = work
        self._limits = limits

    async def __call__(self, leased: Leased, error: Exception, *, attempts: int) -> None:
        """In a transaction of its own: the one that failed is rolled back by now.

        A key that is not accepted costs no try: what is wrong is not this work's.
        """
        limits = self._limits
        code = code_of(error)
        keeps_tries = isinstance(error, KeyRefused)
        if keeps_tries:
            attempts -= 1
        if not passes(error) and not isinstance(error, Poison):
            log.error("work_bug", kind=leased.kind, error_type=code, exc_info=error)
        give_up = isinstance(error, Poison) or (
            not keeps_tries
            and attempts >= (limits.attempts if passes(error) else limits.bug_attempts)
        )
        log.warning(
            "work_put_off", kind=leased.kind, reason=code, attempts=attempts, parked=give_up
        )
        async with self._work.engine.begin() as connection:
            if give_up:
                now = self._work.clock.now()
                await duework.park(connection, leased, code=code, attempts=attempts, now=now)
                await rounds.leave_next(connection, self._handlers, leased.kind, now)
                return
            rest_s = 0.0 if keeps_tries else limits.rest_s(attempts)
            await duework.rest(connection, leased, code=code, attempts=attempts, rest_s=rest_s)
