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
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from aiokafka import ConsumerRecord
from pydantic import ValidationError
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from shared.db import unreachable
from shared.errors import Poison
from shared.events import Event
from shared.messaging import parking
from shared.messaging.causes import code_of, on_behalf, passes
from shared.messaging.envelope import Envelope, as_text, read_headers
from shared.messaging.handlers import EventHandler, Handlers
from shared.messaging.parking import Coordinates
from shared.messaging.transaction import Transaction, UnitOfWork

log = structlog.get_logger(__name__)

_CLAIM = text(
    """
    INSERT INTO inbox (consumer, event_id, processed_at)
    SELECT :consumer, e, :at FROM unnest(:event_ids) AS e
    ON CONFLICT DO NOTHING RETURNING event_id
    """
).bindparams(
    bindparam("event_ids", type_=ARRAY(PG_UUID)), bindparam("at", type_=TIMESTAMP(timezone=True))
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the seam tries before it gives a record up. Real time."""

    retries: int = 5
    bug_retries: int = 2
    backoff_s: float = 0.1
    backoff_cap_s: float = 5.0
    parked_in_a_row: int = 50


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that this service hears, decoded."""

    record: ConsumerRecord[Any, Any]
    envelope: Envelope
    event: Event
    key: str
    handler: EventHandler[Any]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of a type that we hear, or of no type at all, that cannot be decoded."""

    record: ConsumerRecord[Any, Any]
    reason: str


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
        self._handlers = handlers
        self._work = work
        self._limits = limits or Limits()
        self._sleep = sleep
        self._resumed = asyncio.Event()

    @property
    def halted(self) -> bool:
        """Too many records in a row were parked: something is wrong that parking cannot cure."""
        return self.parked_in_a_row >= self._limits.parked_in_a_row

    def resume(self) -> None:
        """A person looked: go on."""
        self.parked_in_a_row = 0
        self._resumed.set()

    async def take(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Decide, skip or park every record. Returns only when the offsets may be committed."""
        self.batches += 1
        heard: list[Heard] = []
        orderly = True
        for record in records:
            match self.read(record):
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

    def read(self, record: ConsumerRecord[Any, Any]) -> Heard | Unreadable | None:
        """Decode a record; `None` when it is none of this service's business. Never raises."""
        headers = dict(record.headers)
        type_name = as_text(headers.get("ce_type"))
        if not type_name:
            return Unreadable(record, "no_type")
        handler = self._handlers.events.get(type_name)
        if handler is None:
            return None
        try:
            return self._decode(record, headers, handler)
        except Poison as poison:
            return Unreadable(record, poison.code)
        except Exception as error:  # what cannot be read must not stop what can
            log.error("event_reader_bug", error_type=type(error).__name__, exc_info=error)
            return Unreadable(record, f"bug:{type(error).__name__}")

    def _decode(
        self,
        record: ConsumerRecord[Any, Any],
        headers: Mapping[str, bytes | None],
        handler: EventHandler[Any],
    ) -> Heard:
        envelope = read_headers(headers)
        if envelope.version != handler.event.version:
            raise Poison("unknown_version")
        if record.value is None:
            raise Poison("null_value")
        try:
            event = handler.event.model_validate_json(record.value)
        except ValidationError as invalid:
            codes = {error["type"] for error in invalid.errors(include_input=False)}
            raise Poison("not_json" if "json_invalid" in codes else "bad_schema") from None
        key = event.key
        if record.key is None or as_text(record.key) != key:
            raise Poison("key_mismatch")
        return Heard(record, envelope, event, key, handler)

    async def _take_together(self, heard: Sequence[Heard]) -> bool:
        """Decide a batch in one transaction; False when it has to be taken apart."""
        try:
            async with self._work.transaction() as tx:
                await self._decide_all(tx, heard)
        except Exception as error:  # noqa: BLE001  # each record is tried alone and judged there
            log.info("batch_taken_apart", error_type=type(error).__name__, events=len(heard))
            return False
        self.parked_in_a_row = 0
        return True

    async def _decide_all(self, tx: Transaction, heard: Sequence[Heard]) -> None:
        held = await parking.held_keys(
            tx.connection, self.consumer, list({one.key for one in heard})
        )
        free = [one for one in heard if one.key not in held]
        fresh = await self._claim(tx, free)
        for one in heard:
            if one.key in held:
                await self._park(tx, one.record, state="held", reason="waits_for_parked", tries=0)
        for round_ in rounds(fresh):
            await self._decide_round(tx, round_)

    async def _claim(self, tx: Transaction, heard: Sequence[Heard]) -> list[Heard]:
        """Those that nobody has decided before, each once, in their order."""
        if not heard:
            return []
        by_id: dict[UUID, Heard] = {}
        for one in heard:
            by_id.setdefault(one.envelope.event_id, one)
        claimed = await tx.execute(
            _CLAIM, {"consumer": self.consumer, "event_ids": list(by_id), "at": tx.now}
        )
        new = set(claimed.scalars())
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

    async def _take_alone(self, record: ConsumerRecord[Any, Any]) -> None:
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
                reason = self._verdict(error, tries)
                if reason is None:
                    await self._sleep(self._pause(tries))
                    continue
                await self._give_up(record, reason, tries)
            return

    async def _decide_one(self, record: ConsumerRecord[Any, Any]) -> None:
        match self.read(record):
            case None:
                return
            case Unreadable(reason=reason):
                raise Poison(reason)
            case Heard() as one:
                async with self._work.transaction() as tx:
                    await self._decide_all(tx, [one])
                self.parked_in_a_row = 0

    def _verdict(self, error: Exception, tries: int) -> str | None:
        """Why to give the record up, or `None` to try again."""
        if isinstance(error, Poison):
            return error.code
        if passes(error):
            return None if tries <= self._limits.retries else f"gave_up:{code_of(error)}"
        if tries <= self._limits.bug_retries:
            return None
        log.error("event_handler_bug", error_type=type(error).__name__, exc_info=error)
        return code_of(error)

    def _pause(self, tries: int) -> float:
        """Exponential backoff with full jitter, in seconds of real time."""
        ceiling = min(self._limits.backoff_cap_s, self._limits.backoff_s * 2.0 ** min(tries, 20))
        return ceiling * (0.5 + random.random() / 2)  # noqa: S311  # jitter is no secret

    async def _give_up(self, record: ConsumerRecord[Any, Any], reason: str, tries: int) -> None:
        """Park a record in a transaction of its own; keeps at it while the database is away."""
        for attempt in count(1):
            try:
                async with self._work.transaction() as tx:
                    await self._park(tx, record, state="parked", reason=reason, tries=tries)
            except Exception as error:  # a record that cannot be kept must not be passed over
                if unreachable(error):
                    await self._wait_for_database(error, attempt)
                elif passes(error):
                    await self._sleep(self._pause(attempt))
                else:
                    raise
            else:
                break
        self.parked_in_a_row += 1
        log.warning("event_parked", reason=reason, topic=record.topic, attempts=tries)

    async def _park(
        self,
        tx: Transaction,
        record: ConsumerRecord[Any, Any],
        *,
        state: str,
        reason: str,
        tries: int,
    ) -> None:
        coordinates = Coordinates.of(record)
        if reason == "no_type":  # nobody's event: it must not hold up whoever owns the key
            coordinates = replace(coordinates, key=None)
        await parking.park(
            tx.connection,
            self.consumer,
            coordinates,
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

    async def replay(self, seq: int, *, by: str, why: str) -> str | None:
        """Decide a parked or held record now; the reason when it fails again.

        The decision, its inbox claim and the record's resolution commit together.
        """
        try:
            async with self._work.transaction() as tx:
                record = await parking.take(tx.connection, seq)
                if record is None:
                    return "already_resolved"
                found = self.read(as_record(record))
                if isinstance(found, Unreadable):
                    raise Poison(found.reason)
                if found is not None:
                    for one in await self._claim(tx, [found]):
                        await self._decide_round(tx, [one])
                await parking.resolve(
                    tx.connection, seq, state="replayed", by=by, why=why, now=tx.now
                )
        except Exception as error:
            if unreachable(error):
                raise
            async with self._work.transaction() as tx:
                await parking.repark(
                    tx.connection,
                    seq,
                    reason=(reason := code_of(error)),
                    holds_up_to=self._limits.retries if passes(error) else 0,
                )
            log.warning("replay_failed", reason=reason)
            return reason
        self.resume()
        return None

    async def follow_up(self) -> int:
        """Decide held records whose parked one is resolved. Returns how many went through."""
        went = 0
        while True:
            async with self._work.transaction() as tx:
                ready = await parking.released(tx.connection, self.consumer)
            results = [
                await self.replay(seq, by="system", why="the event before it was resolved")
                for seq in ready
            ]
            went += sum(result is None for result in results)
            if not any(result is None for result in results):
                return went


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


def as_record(kept: Coordinates) -> ConsumerRecord[Any, Any]:
    """A kept record in the form in which Kafka delivered it."""
    return ConsumerRecord(
        topic=kept.topic,
        partition=kept.partition,
        offset=kept.offset,
        timestamp=0,
        timestamp_type=0,
        key=None if kept.key is None else kept.key.encode(),
        value=kept.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=[(name, value.encode()) for name, value in kept.headers.items()],
    )
