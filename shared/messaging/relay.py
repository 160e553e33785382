"""The relay: takes committed events from the outbox to the broker, in the order of each key.

Outbox rows fall in slots by their key. A relay holds the advisory lock of the slots it works on
for as long as one pass lasts, so however many replicas run, one of them sends a key's events, in
order. A row leaves the outbox for the event log in the transaction that follows the broker's
acknowledgement: a crash between the two sends it again, and the consumers' inboxes drop it.

A row that the broker can never take is parked, and later rows of its key wait behind it. Only a
row of some size can be refused, so after such a row nothing of its key is sent before the broker
has answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, INTEGER, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import unreachable
from shared.messaging.outbox import SLOT_LOCK_SPACE
from shared.messaging.tables import SLOTS
from shared.messaging.transaction import UnitOfWork
from shared.messaging.wakes import woken

log = structlog.get_logger(__name__)

SURELY_TAKEN_BYTES = 8_192
"""Every topic takes a payload of this size: with its headers it is smaller than one of the
producer's batches (16 KiB), and a topic that refuses those carries nothing of ours."""

_HOLD_SLOTS = text(
    "SELECT s FROM generate_series(0, :slots - 1) AS s WHERE pg_try_advisory_xact_lock(:space, s)"
).bindparams(bindparam("slots", type_=INTEGER), bindparam("space", type_=INTEGER))

_NEXT = text(
    """
    SELECT seq, topic, key, headers, payload FROM outbox AS o
     WHERE slot = ANY(:slots) AND parked_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM outbox AS p WHERE p.key = o.key AND p.parked_at IS NOT NULL)
     ORDER BY seq LIMIT :limit
    """
).bindparams(bindparam("slots", type_=ARRAY(INTEGER)))

_CONFIRM = text(
    """
    WITH sent AS (DELETE FROM outbox WHERE seq = ANY(:seqs)
                  RETURNING seq, event_id, topic, key, slot, headers, payload)
    INSERT INTO event_log (seq, event_id, topic, key, slot, headers, payload, published_at)
    SELECT seq, event_id, topic, key, slot, headers, payload, :at FROM sent
    ON CONFLICT (event_id) DO NOTHING
    """
).bindparams(
    bindparam("seqs", type_=ARRAY(BIGINT)), bindparam("at", type_=TIMESTAMP(timezone=True))
)

_PARK = text("UPDATE outbox SET parked_at = :at, parked_code = :code WHERE seq = :seq").bindparams(
    bindparam("at", type_=TIMESTAMP(timezone=True))
)


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Batch size and real-time limits."""

    batch: int = 500
    poll_s: float = 0.5
    send_s: float = 10.0
    backoff_cap_s: float = 5.0


class _BrokerAwayError(Exception):
    """The broker is not had, or did not take what it was sent. Its cause says how."""


@dataclass(slots=True)
class _Sent:
    """What became of the rows of one pass."""

    confirmed: list[int] = field(default_factory=list)
    too_large: list[Any] = field(default_factory=list)
    left: bool = False
    trouble: Exception | None = None

    def judge(self, row: Any, answer: asyncio.Future[Any]) -> None:
        if not answer.done():
            self.trouble = self.trouble or TimeoutError()
        elif answer.cancelled():
            self.trouble = self.trouble or KafkaError()
        elif isinstance(error := answer.exception(), MessageSizeTooLargeError):
            self.too_large.append(row)  # the broker takes less than the producer's own limit
        elif isinstance(error, Exception):
            self.trouble = self.trouble or error
        else:
            self.confirmed.append(row.seq)


class Relay:
    """Runs until cancelled. `make_producer` builds a fresh producer; a stuck one is abandoned."""

    def __init__(
        self,
        work: UnitOfWork,
        make_producer: Callable[[], AIOKafkaProducer],
        *,
        limits: RelayLimits | None = None,
    ) -> None:
        self.last_pass_at = monotonic()
        self.trouble: str | None = "starting"
        self._work = work
        self._make_producer = make_producer
        self._limits = limits or RelayLimits()
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                try:
                    full = await self._pass()
                except _BrokerAwayError as away:
                    failures += 1
                    await self._abandon_producer()
                    await self._stumble("kafka", away.__cause__ or away, failures)
                except Exception as error:
                    if not unreachable(error):
                        log.error("relay_bug", error_type=type(error).__name__, exc_info=error)
                    failures += 1
                    await self._stumble("database", error, failures)
                else:
                    failures = 0
                    self.trouble = None
                    self.last_pass_at = monotonic()
                    if not full:
                        await woken(self._work.wakes.outbox, within_s=self._limits.poll_s)
        finally:
            await self._abandon_producer()

    async def _pass(self) -> bool:
        """One round over the slots that nobody else holds. True when there may be more."""
        producer = await self._connected()
        async with self._work.engine.connect() as connection, connection.begin():
            held = await connection.execute(_HOLD_SLOTS, {"slots": SLOTS, "space": SLOT_LOCK_SPACE})
            slots = list(held.scalars())
            if not slots:
                return False
            found = await connection.execute(_NEXT, {"slots": slots, "limit": self._limits.batch})
            rows = found.all()
            if not rows:
                return False
            sent = await self._send(producer, rows)
            await self._keep(connection, sent)
        if sent.trouble is not None:  # what went out is kept before the rest is tried again
            raise _BrokerAwayError from sent.trouble
        return sent.left or len(rows) == self._limits.batch

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> _Sent:
        """Send rows in their order and wait for what becomes of each, within the time limit.

        A row that may be refused is the last of its key in this pass.
        """
        sent = _Sent()
        futures: dict[asyncio.Future[Any], Any] = {}
        held_up: set[str] = set()
        give_up_at = monotonic() + self._limits.send_s
        try:
            async with asyncio.timeout(self._limits.send_s):
                for row in rows:
                    if row.key in held_up:
                        sent.left = True
                        continue
                    if len(row.payload) > SURELY_TAKEN_BYTES:
                        held_up.add(row.key)
                    try:
                        future = await producer.send(
                            row.topic,
                            value=row.payload,
                            key=row.key.encode(),
                            headers=[(name, text_.encode()) for name, text_ in row.headers.items()],
                        )
                    except MessageSizeTooLargeError:
                        sent.too_large.append(row)
                    else:
                        futures[future] = row
        except (KafkaError, TimeoutError, OSError) as error:
            sent.trouble = error
        if futures:
            await asyncio.wait(futures, timeout=max(0.0, give_up_at - monotonic()))
        for future, row in futures.items():
            sent.judge(row, future)
        return sent

    async def _keep(self, connection: AsyncConnection, sent: _Sent) -> None:
        """What the broker confirmed leaves the outbox, what it can never take is parked."""
        now = self._work.clock.now()
        await connection.execute(_CONFIRM, {"seqs": sent.confirmed, "at": now})
        for row in sent.too_large:
            await connection.execute(_PARK, {"seq": row.seq, "at": now, "code": "too_large"})
            log.error("outbox_row_parked", reason="too_large", topic=row.topic)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make_producer()
            try:
                async with asyncio.timeout(self._limits.send_s):
                    await producer.start()
            except (KafkaError, TimeoutError, OSError) as error:
                await _stop(producer)
                raise _BrokerAwayError from error
            except BaseException:
                await _stop(producer)
                raise
            self._producer = producer
        return self._producer

    async def _abandon_producer(self) -> None:
        """Give the producer up. It may deliver late what it still holds; the inboxes drop it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _stumble(self, what: str, error: BaseException, failures: int) -> None:
        self.trouble = what
        log.warning("relay_waits", waits_for=what, error_type=type(error).__name__)
        await asyncio.sleep(min(self._limits.backoff_cap_s, 0.1 * 2 ** min(failures, 7)))


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop within two seconds; an idempotent producer never gives up on a dead broker by itself.

    Whoever cancels the relay meanwhile is heard.
    """
    stopping = asyncio.ensure_future(producer.stop())
    try:
        await asyncio.wait({stopping}, timeout=2.0)
    finally:
        if not stopping.done():
            stopping.cancel()
            sender = getattr(getattr(producer, "_sender", None), "_sender_task", None)
            if sender is not None:
                sender.cancel()
        elif not stopping.cancelled() and (error := stopping.exception()) is not None:
            log.info("producer_ended_badly", error_type=type(error).__name__)
