"""The FastStream side of the seam: one batch subscriber for all topics that a service hears.

FastStream's defaults are not used, because they lose or leak: the group and the offset reset are
named, offsets are committed after the seam returns, replies are off, and FastStream sees neither
headers nor values, so nothing that a record holds can break its parser or reach its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.messaging import undecodable
from shared.messaging.fetching import Fetching
from shared.messaging.seam import Seam

log = structlog.get_logger(__name__)

BATCH = 500
BATCH_MS = 20
FETCH_MS = 25
"""How long the broker keeps a question while there is nothing new; what comes is answered at once.

Asking anew every few milliseconds takes a twentieth of a processor from a service that is idle.
"""

MAX_POLL_S = 300.0

REQUEST_MS = 15_000
"""A broker that holds its connections and answers nobody is taken for gone after this long."""


@dataclass(frozen=True, slots=True)
class Untaken:
    """A partition whose newest batch could not be taken, and since when that is so."""

    since: float
    error_type: str


class Consumer:
    """Runs the subscriber; starts when Kafka can be reached, and says how far behind it is."""

    def __init__(
        self,
        seam: Seam,
        topics: list[str],
        *,
        bootstrap_servers: str,
        session_timeout_s: float = 10.0,
    ) -> None:
        undecodable.mend_reader()
        self.started = False
        self._seam = seam
        self._taken: dict[TopicPartition, int] = {}
        self._untaken: dict[TopicPartition, Untaken] = {}
        self._in_hand_since: float | None = None
        self._in_hand_s = 0.0
        self._broker = KafkaBroker(
            bootstrap_servers,
            allow_auto_create_topics=False,
            consumer_only=True,
            request_timeout_ms=REQUEST_MS,
            graceful_timeout=10.0,
            logger=None,
        )
        self._subscriber = self._broker.subscriber(
            *topics,
            group_id=seam.consumer,
            batch=True,
            max_records=BATCH,
            batch_timeout_ms=BATCH_MS,
            fetch_max_wait_ms=FETCH_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            no_reply=True,
            session_timeout_ms=int(session_timeout_s * 1000),
            heartbeat_interval_ms=int(session_timeout_s * 1000 / 5),
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=int(MAX_POLL_S * 1000),
            parser=_bare,
            decoder=_raw_records,
        )
        self._subscriber(self._take)
        self._fetching = Fetching(self._subscriber.get_msg, max_records=BATCH, timeout_ms=BATCH_MS)
        self._subscriber.get_msg = self._fetching.next  # type: ignore[method-assign]  # FastStream has no other place for it

    async def _take(self, records: list[Any]) -> None:
        partitions = {TopicPartition(record.topic, record.partition) for record in records}
        self._in_hand_since = monotonic()
        try:
            await self._seam.take(records)
        except Exception as error:
            untaken = Untaken(monotonic(), type(error).__name__)
            for partition in partitions:
                self._untaken.setdefault(partition, untaken)
            # FastStream seeks back and delivers again at once; this pause is the only throttle.
            log.error("batch_not_taken", error_type=type(error).__name__, exc_info=error)
            await asyncio.sleep(1.0)
            raise
        finally:
            self._in_hand_s += monotonic() - self._in_hand_since
            self._in_hand_since = None
        for partition in partitions:
            self._untaken.pop(partition, None)
        for record in records:
            self._taken[TopicPartition(record.topic, record.partition)] = record.offset + 1

    async def run(self) -> None:
        """Consume until cancelled, from whenever Kafka can first be reached."""
        try:
            await self._start()
            await asyncio.Event().wait()
        finally:
            self.started = False
            await self._broker.stop()

    async def _start(self) -> None:
        pause_s = 0.2
        while True:
            try:
                async with asyncio.timeout(30.0):
                    await self._broker.start()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("consumer_waits_for_kafka", error_type=type(error).__name__)
                await self._broker.stop()
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 5.0)
            else:
                self.started = True
                return

    @property
    def progress_at(self) -> float:
        """When the seam last saw a record to its end, on `time.monotonic`.

        A batch that is delivered again and again is no progress, whatever of it was decided.
        """
        return min([self._seam.progress_at, *(one.since for one in self.untaken())])

    @property
    def free_s(self) -> float:
        """For how long, all in all, this consumer has had no batch in hand: it could take one."""
        now = monotonic()
        in_hand_s = 0.0 if self._in_hand_since is None else now - self._in_hand_since
        return now - self._in_hand_s - in_hand_s

    @property
    def _kafka(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    def untaken(self) -> list[Untaken]:
        """The partitions of this consumer whose newest batch could not be taken."""
        assigned = frozenset() if self._kafka is None else self._kafka.assignment()
        return [one for partition, one in self._untaken.items() if partition in assigned]

    def should_move(self) -> bool:
        """Whether records wait for this consumer, or it has yet to join its group."""
        return self.joining() or bool(self.untaken()) or sum(self.lag().values()) > 0

    def lag(self) -> dict[str, int]:
        """Records known to be behind the consumer's position, per `topic-partition`."""
        return {name: high - position for name, (position, high) in self.places().items()}

    def places(self) -> dict[str, tuple[int, int]]:
        """The consumer's position and the broker's high water, per `topic-partition`."""
        consumer = self._kafka
        if consumer is None or not self.started:
            return {}
        found: dict[str, tuple[int, int]] = {}
        for partition in consumer.assignment():
            high = consumer.highwater(partition)
            state = consumer._subscription.subscription.assignment.state_value(partition)  # noqa: SLF001  # aiokafka's `position` is a coroutine that may wait
            position = state._position if state is not None else None  # noqa: SLF001  # as above
            if high is not None and position is not None:
                name = f"{partition.topic}-{partition.partition}"
                found[name] = (position, max(high, position))
        return found

    async def behind(self) -> int | None:
        """Records on the broker that the seam has not seen to their end; `None` when unknown.

        Asks the broker, so it is exact at the moment of its answer, and too slow for metrics.
        """
        consumer = self._kafka
        if consumer is None or not self.started or not consumer.assignment():
            return None
        assigned = consumer.assignment()
        for gone in self._taken.keys() - assigned:
            del self._taken[gone]
        try:
            async with asyncio.timeout(5.0):
                ends = await consumer.end_offsets(assigned)
                firsts = await consumer.beginning_offsets(assigned - self._taken.keys())
                for partition, first in firsts.items():
                    committed = await consumer.committed(partition)
                    self._taken.setdefault(partition, first if committed is None else committed)
        except (KafkaError, OSError, TimeoutError):
            return None
        return sum(max(0, int(end) - self._taken[partition]) for partition, end in ends.items())

    def trouble(self) -> str | None:
        """What keeps this consumer from moving, or `None`."""
        if (reason := self.waits()) is not None:
            return reason
        for one in self.untaken():
            return f"a batch of records cannot be taken: {one.error_type}"
        if (error_type := self._fetching.trouble) is not None:
            return f"records cannot be fetched: {error_type}"
        return "the group is being joined" if self.joining() else None

    def waits(self) -> str | None:
        """What this consumer waits for by right, or `None`."""
        if not self.started or self._kafka is None:
            return "kafka cannot be reached"
        if self._seam.waits_for is not None:
            return f"waits for {self._seam.waits_for}"
        coordinator = self._kafka._coordinator  # noqa: SLF001  # aiokafka has no public sign of a lost group
        if coordinator is not None and coordinator.coordinator_id is None:
            return "the group's coordinator cannot be reached"
        return None

    def joining(self) -> bool:
        """Whether the group has given this consumer no partitions yet, or is dealing them anew."""
        if self._kafka is None:
            return False
        subscription = self._kafka._subscription.subscription  # noqa: SLF001  # as above
        coordinator = self._kafka._coordinator  # noqa: SLF001  # as above
        return subscription is None or coordinator is None or coordinator.need_rejoin(subscription)


async def _bare(
    records: tuple[ConsumerRecord[Any, Any], ...],
    original: Callable[[tuple[ConsumerRecord[Any, Any], ...]], Awaitable[Any]],
) -> Any:
    """Let FastStream build its message from records that carry nothing."""
    message = await original((replace(records[0], headers=(), value=b"", key=None),) * len(records))
    message.raw_message = records
    return message


async def _raw_records(message: Any) -> list[Any]:
    return list(message.raw_message)
