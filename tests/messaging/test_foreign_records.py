"""Records in forms that only other clients write: compressed, or with names that are no text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from confluent_kafka import Producer
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.messaging.conftest import tally
from tests.messaging.records import record_of, registered, send
from tests.messaging.test_hostile import hearing_everything
from tests.support.eventually import eventually
from tests.support.topics import Topics


async def noted(engine: AsyncEngine, count: int) -> None:
    assert len(await tally(engine)) == count


def _compressed(topics: Topics, codec: str) -> None:
    """Three events in one batch; long enough that the client does compress them."""
    producer = Producer(
        {
            "bootstrap.servers": topics.bootstrap_servers,
            "compression.type": codec,
            "linger.ms": 50,
        }
    )
    for _ in range(3):
        record = record_of(registered())
        record["headers"].append(("pad", b"x" * 2000))
        producer.produce(topics.name("scheduling"), **record)
    assert producer.flush(20) == 0


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_events_are_heard_whatever_codec_their_producer_compresses_with(
    run_service: Any, engine: AsyncEngine, topics: Topics, codec: str
) -> None:
    await asyncio.to_thread(_compressed, topics, codec)
    await send(topics, [record_of(registered())])
    await run_service(hearing_everything())
    await eventually(lambda: noted(engine, 4))
