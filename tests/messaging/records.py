"""Records as our relay writes them, and ways to write them differently."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer, ConsumerRecord

from shared.events import Event
from shared.events.scheduling import PatientCheckedIn, PatientRegistered
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from tests.support.topics import Topics

START = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


def record_of(
    event: Event,
    *,
    event_id: UUID | None = None,
    correlation_id: UUID | None = None,
    traceparent: str | None = None,
    headers: dict[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """What `AIOKafkaProducer.send` takes; `changes` replace its key, value or raw headers."""
    found = headers_of(
        event,
        event_id=event_id or new_id(),
        at=START,
        correlation_id=correlation_id or new_id(),
        causation_id=None,
        traceparent=traceparent,
    ) | (headers or {})
    return {
        "key": event.key.encode(),
        "value": event.model_dump_json().encode(),
        "headers": [(name, value.encode()) for name, value in found.items()],
    } | changes


def delivered(record: dict[str, Any], *, offset: int = 0) -> ConsumerRecord[Any, Any]:
    """The record as Kafka hands it to the seam."""
    return ConsumerRecord(
        topic="scheduling",
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        **record,
    )


async def send(
    topics: Topics, records: Sequence[dict[str, Any]], topic: str = "scheduling"
) -> None:
    """Write records one after the other."""
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(topics.name(topic), **record)
    finally:
        await producer.stop()


def registered(patient_id: UUID | None = None) -> PatientRegistered:
    return PatientRegistered(patient_id=patient_id or new_id(), registered_at=START)


def checked_in(patient_id: UUID, minute: int) -> PatientCheckedIn:
    return PatientCheckedIn(
        patient_id=patient_id,
        appointment_id=new_id(),
        checked_in_at=START.replace(minute=minute),
    )
