"""The seam between Kafka and the deciders.

Records arrive in batches. A whole batch is decided in one transaction that also claims its events
in the inbox, so an event has its effects once however often it is delivered. When one of them
fails, the batch is rolled back and taken one by one: a bad event never costs its neighbours their
place. What fails for the moment is tried again, what can never work is parked, and the offset
moves on only when every record of the batch is either decided, skipped by contract or parked.

Skipped by contract: types that this service does not hear, and events that it has decided before.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from shared.db import unreachable
from shared.errors import Poison
from shared.messaging import inbox, parking
from shared.messaging.causes import code_of, on_behalf, passes
from shared.messaging.handlers import Handlers
from shared.messaging.kept import Kept, fingerprint_of
from shared.messaging.records import Heard, Record, Unreadable, read
from shared.messaging.transaction import Transaction, UnitOfWork

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the seam tries before it gives a record up. Real time."""

    retries: int = 5
    bug_retries: int = 2
    backoff_s: float = 0.1
    backoff_cap_s: float = 5.0
    parked_in_a_row: int = 50


class Seam:
    """Takes batches of raw records and sees every one of them to its end."""

    def __init__(
        self,
        handlers: Handlers,
        work: UnitOfWork,
        *,
        limits: Limits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.consumer = handlers.service
        self.parked_in_a_row = 0
        self.batches = 0
        self.progress_at = monotonic()
        self.waits_for: str | None = None
        self.handlers = handlers
        self.work = work
        self.limits = limits or Limits()
        self._sleep = sleep
        self._resumed = asyncio.Event()

    @property
    def halted(self) -> bool:
        """Too many records in a row were parked: something is wrong that parking cannot cure."""
        return self.parked_in_a_row >= self.limits.parked_in_a_row

    def resume(self) -> None:
        """A person looked: go on."""
        self.parked_in_a_row = 0
        self._resumed.set()

    async def take(self, records: Sequence[Record]) -> None:
        """Decide, skip or park every record. Returns only when the offsets may be committed."""
        self.batches += 1
        heard: list[Heard] = []
        orderly = True
        for record in records:
            match read(self.handlers, record):
                case Heard() as one:
                    heard.append(one)
                case Unreadable():
                    orderly = False
                    break
                case None:
                    pass
        if orderly and not self.halted and (not heard or await self._take_together(heard)):
            self.progress_at = monotonic()
            return
        for record in records:
            await self._take_alone(record)
            self.progress_at = monotonic()

    async def _take_together(self, heard: Sequence[Heard]) -> bool:
        """Decide a batch in one transaction; False when it has to be taken apart."""
        try:
            async with self.work.transaction() as tx:
                await self._decide_all(tx, heard)
        except Exception as error:  # noqa: BLE001  # each record is tried alone and judged there
            log.info("batch_taken_apart", error_type=type(error).__name__, events=len(heard))
            return False
        self.parked_in_a_row = 0
        return True

    async def _decide_all(self, tx: Transaction, heard: Sequence[Heard]) -> None:
        keeps = await parking.keeps(tx.connection, self.consumer)
        if keeps.discarded:
            heard = await self._without_discarded(tx, heard)
        held: set[str] = set()
        if keeps.keys:
            held = await parking.held_keys(
                tx.connection, self.consumer, list({one.key for one in heard})
            )
        await self._hold(tx, [one for one in heard if one.key in held])
        await self.decide(tx, [one for one in heard if one.key not in held])

    async def _without_discarded(self, tx: Transaction, heard: Sequence[Heard]) -> list[Heard]:
        """Those that no person has given up for good; what was unreadable then may be read now."""
        prints = [fingerprint_of(one.record) for one in heard]
        gone = await parking.discarded(tx.connection, self.consumer, prints)
        return [one for one, print_ in zip(heard, prints, strict=True) if print_ not in gone]

    async def _hold(self, tx: Transaction, heard: Sequence[Heard]) -> None:
        """Keep those that nobody has decided before until the one before them is resolved."""
        if not heard:
            return
        ids = {one.envelope.event_id for one in heard}
        known = await inbox.claimed(tx.connection, self.consumer, ids)
        for one in heard:
            if one.envelope.event_id not in known:
                await self._park(tx, one.record, state="held", reason="waits_for_parked", tries=0)

    async def decide(self, tx: Transaction, heard: Sequence[Heard]) -> int:
        """Decide, in their order, those events that nobody has decided before; how many it were."""
        new = await self._claim(tx, heard)
        for round_ in rounds(new):
            await self._decide_round(tx, round_)
        return len(new)

    async def _claim(self, tx: Transaction, heard: Sequence[Heard]) -> list[Heard]:
        """Those that nobody has decided before, each once, in their order."""
        if not heard:
            return []
        by_id: dict[UUID, Heard] = {}
        for one in heard:
            by_id.setdefault(one.envelope.event_id, one)
        new = await inbox.claim(tx.connection, self.consumer, by_id, at=tx.now)
        return [one for event_id, one in by_id.items() if event_id in new]

    async def _decide_round(self, tx: Transaction, heard: Sequence[Heard]) -> None:
        """Load once per kind of event, then decide in order."""
        loaded: dict[int, Any] = {}
        for handler in {id(one.handler): one.handler for one in heard}.values():
            if handler.loads is not None:
                mine = [one for one in heard if one.handler is handler]
                found = await handler.loads(tx, [one.event for one in mine])
                loaded.update((id(one), value) for one, value in zip(mine, found, strict=True))
        for one in heard:
            envelope = one.envelope
            with on_behalf(
                "event", envelope.correlation_id, envelope.traceparent, kind=envelope.type_name
            ) as here:
                cause = tx.caused_by(
                    event_id=envelope.event_id,
                    correlation_id=envelope.correlation_id,
                    traceparent=here,
                )
                if one.handler.loads is None:
                    await one.handler.decide(one.event, cause)
                else:
                    await one.handler.decide(one.event, cause, loaded[id(one)])

    async def _take_alone(self, record: Record) -> None:
        """See one record to its end: decided, skipped, held or parked."""
        tries = waits = 0
        while True:
            if self.halted:
                await self._stand_still()
            try:
                await self._decide_one(record)
            except Exception as error:  # noqa: BLE001  # judged right here, nothing is swallowed
                if unreachable(error):
                    waits += 1
                    await self._wait_for_database(error, waits)
                    continue
                tries += 1
                self.progress_at = monotonic()  # tries are counted: one that ends is no standstill
                reason = self._verdict(error, tries)
                if reason is None:
                    await self._sleep(self._pause(tries))
                    continue
                await self._give_up(record, reason, tries)
            return

    async def _decide_one(self, record: Record) -> None:
        match read(self.handlers, record):
            case None:
                return
            case Unreadable(reason=reason):
                raise Poison(reason)
            case Heard() as one:
                async with self.work.transaction() as tx:
                    await self._decide_all(tx, [one])
                self.parked_in_a_row = 0

    def _verdict(self, error: Exception, tries: int) -> str | None:
        """Why to give the record up, or `None` to try again."""
        if isinstance(error, Poison):
            return error.code
        if passes(error):
            return None if tries <= self.limits.retries else f"gave_up:{code_of(error)}"
        if tries <= self.limits.bug_retries:
            return None
        log.error("event_handler_bug", error_type=type(error).__name__, exc_info=error)
        return code_of(error)

    def _pause(self, tries: int) -> float:
        """Exponential backoff with jitter, in seconds of real time."""
        ceiling = min(self.limits.backoff_cap_s, self.limits.backoff_s * 2.0 ** min(tries, 20))
        return ceiling * (0.5 + random.random() / 2)  # noqa: S311  # jitter is no secret

    async def _give_up(self, record: Record, reason: str, tries: int) -> None:
        """Park a record in a transaction of its own; keeps at it while the database is away."""
        for attempt in count(1):
            try:
                async with self.work.transaction() as tx:
                    kept = await self._park(tx, record, state="parked", reason=reason, tries=tries)
            except Exception as error:  # a record that cannot be kept must not be passed over
                if unreachable(error):
                    await self._wait_for_database(error, attempt)
                elif passes(error):
                    await self._sleep(self._pause(attempt))
                else:
                    raise
            else:
                break
        if not kept:
            return
        self.parked_in_a_row += 1
        log.warning("event_parked", reason=reason, topic=record.topic, attempts=tries)

    async def _park(
        self,
        tx: Transaction,
        record: Record,
        *,
        state: str,
        reason: str,
        tries: int,
    ) -> bool:
        kept = Kept.of(record)
        if reason == "no_type":  # nobody's event: it must not hold up whoever owns the key
            kept = replace(kept, key=None)
        return await parking.park(
            tx.connection,
            self.consumer,
            kept,
            state=state,
            reason=reason,
            attempts=tries,
            now=tx.now,
        )

    async def _wait_for_database(self, error: BaseException, tries: int) -> None:
        self.waits_for = "database"
        log.warning("database_away", error_type=type(error).__name__, attempts=tries)
        try:
            await self._sleep(min(5.0, 0.2 * 2 ** min(tries, 6)))
        finally:
            self.waits_for = None

    async def _stand_still(self) -> None:
        """Stop consuming until a person resumes; the partition keeps everything."""
        self.waits_for = "a person: too many events were parked in a row"
        log.error("consumer_halted", parked_in_a_row=self.parked_in_a_row)
        self._resumed.clear()
        try:
            await self._resumed.wait()
        finally:
            self.waits_for = None


def rounds(heard: Iterable[Heard]) -> list[list[Heard]]:
    """Split a batch so that no round holds two events of one key; a key's order is kept."""
    found: list[list[Heard]] = []
    next_round: dict[str, int] = {}
    for one in heard:
        number = next_round.get(one.key, 0)
        next_round[one.key] = number + 1
        if number == len(found):
            found.append([])
        found[number].append(one)
    return found
