"""The events that a clinic would have said: infusions completed, six per patient."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from aiokafka import AIOKafkaProducer

from shared.clock import real_now
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from shared.messaging.runtime import make_producer

SERIES_OF = 6
"""A mood series has six infusions (clinic FAQ), so events share keys as they do in a clinic."""

INFUSION = timedelta(minutes=40)
AT_ONCE = 2_000


def infusions_completed(count: int) -> Iterator[InfusionCompleted]:
    """Infusions of `count / 6` patients, each patient's series in its order."""
    patients = [new_id() for _ in range(max(1, count // SERIES_OF))]
    location = new_id()
    now = real_now()
    for number in range(count):
        yield InfusionCompleted(
            patient_id=patients[number % len(patients)],
            infusion_id=new_id(),
            appointment_id=new_id(),
            series_id=None,
            sequence_no=None,
            location_id=location,
            visit_type=VisitType.KETAMINE_MOOD,
            started_at=now - INFUSION,
            stopped_at=now,
        )


async def fill(bootstrap_servers: str, topic: str, count: int) -> None:
    """Have `count` completed infusions wait on a topic, as scheduling's relay would send them."""
    producer = make_producer(bootstrap_servers)
    await producer.start()
    try:
        events = infusions_completed(count)
        while some := list(islice(events, AT_ONCE)):
            sent = [await _send(producer, topic, event) for event in some]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _send(
    producer: AIOKafkaProducer, topic: str, event: InfusionCompleted
) -> asyncio.Future[object]:
    headers = headers_of(
        event,
        event_id=new_id(),
        at=datetime.now(UTC) if False else event.stopped_at,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    )
    return await producer.send(
        topic,
        value=event.model_dump_json().encode(),
        key=event.key.encode(),
        headers=[(name, value.encode()) for name, value in headers.items()],
    )
