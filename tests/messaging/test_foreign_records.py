"""Records in forms that only other clients write: compressed, or with names that are no text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import (
    DefaultRecordBatch,
    _DefaultRecordBatchBuilderPy,
    _DefaultRecordBatchPy,
)
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import Producer
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.seam import Limits
from shared.messaging.undecodable import Batch, Fetched
from tests.messaging.conftest import scalar, tally
from tests.messaging.desk import operator
from tests.messaging.records import record_of, registered, send
from tests.messaging.test_hostile import hearing_everything, parked
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


class _Bytes(str):
    """A header's name as other clients may write it."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


NAMELESS = (_Bytes("no text"), b"1")


async def _in_one_batch(topics: Topics, records: Sequence[dict[str, Any]], codec: int) -> None:
    """Write records side by side in partition 0, whatever their names."""
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 1_000_000)
        for record in records:
            assert batch.append(timestamp=None, **record)
        await (await producer.send_batch(batch, topics.name("scheduling"), partition=0))
    finally:
        await producer.stop()


@pytest.mark.parametrize("codec", [0, 1])
async def test_a_header_name_that_is_no_text_is_parked_and_costs_no_neighbour_its_place(
    run_service: Any, engine: AsyncEngine, topics: Topics, codec: int
) -> None:
    good = [record_of(registered()) for _ in range(6)]
    bad = record_of(registered())
    bad["headers"].append(NAMELESS)
    await _in_one_batch(topics, [*good[:3], bad, *good[3:]], codec)
    service = await run_service(hearing_everything(), seam_limits=Limits(backoff_s=0.01))
    await eventually(lambda: noted(engine, 6))
    await eventually(lambda: parked(engine, ["bad_header_name"]))
    assert await scalar(engine, "SELECT offset_no FROM parked_events") == 3
    assert sum(service.consumer.lag().values()) == 0
    assert len(service.consumer._subscriber.tasks) == 1  # FastStream's loop was never restarted
    async with operator(service) as ops:
        [item] = (await ops.get("/operations/parked")).json()["items"]
        where = f"/operations/parked/{item['parked_id']}"
        again = await ops.post(f"{where}/replay", json={"why": "is it still broken?"})
        assert (again.status_code, "bad_header_name" in again.text) == (409, True)


def test_aiokafka_cannot_read_such_a_name_yet_with_either_of_its_readers() -> None:
    """Once it can, or names its parts otherwise, `undecodable` goes or changes."""
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 10_000)
    builder.append(0, 0, b"key", b"value", [("fine", None), NAMELESS])
    raw = bytes(builder.build())
    for reader, error in (
        (DefaultRecordBatch, UnicodeDecodeError),
        (_DefaultRecordBatchPy, CorruptRecordException),
    ):
        with pytest.raises(error):
            list(reader(raw))
        [record] = list(Batch(reader(raw), memoryview(raw)))
        assert (record.key, record.value) == (b"key", b"value")
        assert record.headers == [("fine", None), ("\ufffd\ufffd", b"1")]
    assert fetcher.MemoryRecords is Fetched or fetcher.MemoryRecords is MemoryRecords
