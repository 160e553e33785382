"""The events that a clinic would have said: infusions completed, six per patient."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer

from shared.clock import real_now
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.ids import UUID, new_id
from shared.messaging import Handlers, UnitOfWork
from shared.messaging.envelope import headers_of
from shared.messaging.runtime import make_producer

T = TypeVar("T")

SERIES_OF = 6
"""A mood series has six infusions (clinic FAQ), so events share keys as they do in a clinic."""

INFUSION = timedelta(minutes=40)
AT_ONCE = 500
LOCATION = new_id()
"""The one place of a run, so that its words are redeemed once."""

SPEAKER = Handlers("scheduling")
"""Says what scheduling says and hears nothing."""


def patients_of(count: int) -> list[UUID]:
    """The patients who have `count` infusions between them."""
    return [new_id() for _ in range(max(1, count // SERIES_OF))]


def infusions_completed(
    count: int, patients: Sequence[UUID] | None = None
) -> Iterator[InfusionCompleted]:
    """Infusions of the patients in turn, each patient's series in its order."""
    patients = patients or patients_of(count)
    now = real_now()
    for number in range(count):
        yield InfusionCompleted(
            patient_id=patients[number % len(patients)],
            infusion_id=new_id(),
            appointment_id=new_id(),
            series_id=None,
            sequence_no=None,
            location_id=LOCATION,
            visit_type=VisitType.KETAMINE_MOOD,
            started_at=now - INFUSION,
            stopped_at=now,
        )


def record_of(event: InfusionCompleted) -> dict[str, Any]:
    """The event as scheduling's relay would send it: the arguments of a producer's `send`."""
    headers = headers_of(
        event,
        event_id=new_id(),
        at=event.stopped_at,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    )
    return {
        "key": event.key.encode(),
        "value": event.model_dump_json().encode(),
        "headers": [(name, value.encode()) for name, value in headers.items()],
    }


async def send(producer: AIOKafkaProducer, topic: str, records: Iterable[dict[str, Any]]) -> None:
    """Send records in the relay's batches, and wait for each batch to be acknowledged."""
    for some in batched(records):
        await asyncio.gather(*[await producer.send(topic, **record) for record in some])


async def fill_topic(
    bootstrap_servers: str, topic: str, events: Iterable[InfusionCompleted]
) -> None:
    """Have completed infusions wait on a topic."""
    producer = make_producer(bootstrap_servers)
    await producer.start()
    try:
        await send(producer, topic, map(record_of, events))
    finally:
        await producer.stop()


async def fill_outbox(work: UnitOfWork, count: int) -> None:
    """Have `count` completed infusions wait in an outbox."""
    for some in batched(infusions_completed(count)):
        async with work.transaction() as tx:
            for event in some:
                tx.publish(event)


def batched(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
