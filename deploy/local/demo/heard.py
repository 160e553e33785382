"""Events as any other program may read them: from Kafka, in no group, by the published contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from deploy.kafka.topics import TOPICS
from deploy.local.installation import Trouble
from shared.events import REGISTRY, Event
from shared.messaging.envelope import text_headers

CATCHES_UP_WITHIN_S = 15.0
_SHOWN = 5


class From(StrEnum):
    """Where a reader begins."""

    BEGINNING = "beginning"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Heard:
    """One event and the moment of practice time at which it was said."""

    at: datetime
    event: Event
    event_id: UUID
    """Ids grow with real time, so what led to an event has a smaller one."""


class Ear:
    """Reads the four topics from their beginning."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def fresh(self) -> list[Heard]:
        """Everything said since the last call, and nothing that the broker holds is left out."""
        heard: list[Heard] = []
        async with asyncio.timeout(CATCHES_UP_WITHIN_S):
            ends = await self._consumer.end_offsets(self._consumer.assignment())
            while await self._behind(ends):
                for records in (await self._consumer.getmany(timeout_ms=20)).values():
                    heard += [one for record in records if (one := understood(record))]
        return sorted(heard, key=lambda one: (one.at, one.event_id))

    async def forever(self) -> AsyncIterator[Heard]:
        """Each event as it comes."""
        while True:
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    heard = understood(record)
                    if heard is not None:
                        yield heard

    async def _behind(self, ends: dict[TopicPartition, int]) -> bool:
        for partition, end in ends.items():
            if await self._consumer.position(partition) < end:
                return True
        return False


def understood(record: ConsumerRecord[bytes, bytes]) -> Heard | None:
    """The event of a record; None for types that are not known here, as the contract asks."""
    headers = text_headers(record.headers)
    kind = REGISTRY.get(headers.get("ce_type", ""))
    if kind is None or record.value is None:
        return None
    try:
        event = kind.model_validate_json(record.value)
        at = datetime.fromisoformat(headers["ce_time"])
        return Heard(at, event, UUID(headers["ce_id"]))
    except (ValidationError, KeyError, ValueError):
        return None


@asynccontextmanager
async def ear(
    bootstrap_servers: str, prefix: str, *, start: From = From.BEGINNING
) -> AsyncIterator[Ear]:
    """Listen to every topic, as a reader without a group.

    Raises `Trouble` when the address cannot be one or the topics are not there.
    """
    consumer: AIOKafkaConsumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
        enable_auto_commit=False,
    )
    try:
        try:
            await consumer.start()
        except ValueError:
            raise Trouble(
                f"--kafka {bootstrap_servers}: not an address like 127.0.0.1:9092"
            ) from None
        _check_topics(await consumer.topics(), bootstrap_servers, prefix)
        partitions = [
            TopicPartition(prefix + topic, number)
            for topic, count in TOPICS.items()
            for number in range(count)
        ]
        consumer.assign(partitions)
        match start:
            case From.BEGINNING:
                await consumer.seek_to_beginning()
            case From.NOW:
                await consumer.seek_to_end()
        yield Ear(consumer)
    finally:
        await consumer.stop()


def _check_topics(there: set[str], bootstrap_servers: str, prefix: str) -> None:
    missing = [prefix + topic for topic in TOPICS if prefix + topic not in there]
    if missing:
        one = next(iter(TOPICS))
        others = sorted(name.removesuffix(one) for name in there if name.endswith(one))
        shown = ", ".join(repr(other) for other in others[:_SHOWN])
        more = ", …" if len(others) > _SHOWN else ""
        seen = f" Prefixes seen there: {shown}{more}" if others else ""
        raise Trouble(
            f"--topic-prefix {prefix!r}: Kafka at {bootstrap_servers} has no topic "
            f"{', '.join(missing)}.{seen}"
        )
