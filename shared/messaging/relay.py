"""The relay: takes committed events from the outbox to the broker, in the order of each key.

Outbox rows fall in slots by their key. A relay holds the advisory lock of the slots it works on
for as long as one pass lasts, so however many replicas run, one of them sends a key's events, in
order. A row leaves the outbox for the event log in the transaction that follows the broker's
acknowledgement: a crash between the two sends it again, and the consumers' inboxes drop it.

A row that the broker can never take is parked, and later rows of its key wait behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, INTEGER, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import unreachable
from shared.messaging.tables import SLOTS
from shared.messaging.transaction import UnitOfWork
from shared.messaging.wakes import woken

log = structlog.get_logger(__name__)

SLOT_LOCK_SPACE = 7_041_002

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

_OFFER_AGAIN = text(
    """
    INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at)
    SELECT event_id, topic, key, slot, headers, payload, :at
      FROM event_log WHERE published_at >= :since ORDER BY seq
    """
).bindparams(
    bindparam("since", type_=TIMESTAMP(timezone=True)),
    bindparam("at", type_=TIMESTAMP(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Batch size and real-time limits."""

    batch: int = 500
    poll_s: float = 0.5
    send_s: float = 10.0
    backoff_cap_s: float = 5.0


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
                except (KafkaError, TimeoutError, OSError) as error:
                    failures += 1
                    await self._abandon_producer()
                    await self._stumble("kafka", error, failures)
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
            if rows:
                await self._send(producer, connection, rows)
        return len(rows) == self._limits.batch

    async def _send(
        self, producer: AIOKafkaProducer, connection: AsyncConnection, rows: Sequence[Any]
    ) -> None:
        now = self._work.clock.now()
        futures: list[tuple[int, asyncio.Future[Any]]] = []
        parked: set[str] = set()
        async with asyncio.timeout(self._limits.send_s):
            for row in rows:
                if row.key in parked:
                    continue
                try:
                    future = await producer.send(
                        row.topic,
                        value=row.payload,
                        key=row.key.encode(),
                        headers=[(name, text_.encode()) for name, text_ in row.headers.items()],
                    )
                except MessageSizeTooLargeError:
                    parked.add(row.key)
                    await connection.execute(
                        _PARK, {"seq": row.seq, "at": now, "code": "too_large"}
                    )
                    log.error("outbox_row_parked", reason="too_large", topic=row.topic)
                else:
                    futures.append((row.seq, future))
            await asyncio.gather(*(future for _, future in futures))
        await connection.execute(_CONFIRM, {"seqs": [seq for seq, _ in futures], "at": now})

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make_producer()
            try:
                async with asyncio.timeout(self._limits.send_s):
                    await producer.start()
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
    """Stop within two seconds; an idempotent producer never gives up on a dead broker by itself."""
    stopping = asyncio.ensure_future(producer.stop())
    with contextlib.suppress(TimeoutError, KafkaError, OSError, asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(stopping), 2.0)
    if not stopping.done():
        stopping.cancel()
        sender = getattr(getattr(producer, "_sender", None), "_sender_task", None)
        if sender is not None:
            sender.cancel()


async def offer_again(work: UnitOfWork, *, since: datetime) -> int:
    """Put the events confirmed since practice time `since` in the outbox again, in their order.

    Consumers that know them drop them. Returns how many.
    """
    async with work.engine.begin() as connection:
        done = await connection.execute(_OFFER_AGAIN, {"since": since, "at": work.clock.now()})
    work.wakes.outbox.set()
    return done.rowcount
