"""A producer of the house that tells of every event that leaves and is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.messaging.runtime import make_producer

Heard = Callable[[str], object]
"""Told the id of each acknowledged event."""


def watched(
    bootstrap_servers: str, heard: Heard, *, sending: Callable[[], object] = lambda: None
) -> AIOKafkaProducer:
    """The producer that services use; `heard` is called in the moment of the acknowledgement."""
    producer = make_producer(bootstrap_servers)
    send = producer.send

    async def send_watched(topic: str, **record: Any) -> asyncio.Future[Any]:
        sending()
        event_id = dict(record["headers"])["ce_id"].decode()

        def tell(done: asyncio.Future[Any]) -> None:
            if not done.cancelled() and done.exception() is None:
                heard(event_id)

        future: asyncio.Future[Any] = await send(topic, **record)
        future.add_done_callback(tell)
        return future

    producer.send = send_watched
    return producer
