"""The consumer on a real broker: what keeps it from moving is said, and ends the process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction
from shared.messaging.watchdog import Watchdog
from tests.messaging.conftest import scalar
from tests.messaging.records import record_of, registered, send
from tests.support.eventually import eventually
from tests.support.topics import Topics


def hearing() -> Handlers:
    on = Handlers("listener")

    @on.event(PatientRegistered)
    async def note(event: PatientRegistered, tx: Transaction) -> None:
        await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": event.key})

    return on


async def _parked_events(engine: AsyncEngine, change: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE parked_events {change}"))


async def test_a_batch_that_can_never_be_taken_is_no_progress_and_is_said_until_it_can(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    ended: list[int] = []
    service = await run_service(hearing())
    await eventually(lambda: service.consumer.trouble() is None, within_s=20)
    dog = Watchdog(service.consumer, stuck_s=2.5, end=ended.append)
    await _parked_events(engine, "ADD CONSTRAINT nothing CHECK (state = 'x') NOT VALID")
    who = new_id()
    await send(topics, [record_of(registered(who)), record_of(registered(who), value=b"?")])

    async def it_is_said() -> None:
        said = "a batch of records cannot be taken: IntegrityError"
        assert await service.consumer_trouble() == said

    await eventually(it_is_said)
    assert not ended
    for _ in range(80):  # the first of the two is decided again with every delivery of the batch
        dog.look()
        await asyncio.sleep(0.05)
    assert set(ended) == {70}

    await _parked_events(engine, "DROP CONSTRAINT nothing")
    await eventually(lambda: service.consumer.trouble() is None)
    assert await scalar(engine, "SELECT reason FROM parked_events") == "not_json"
    assert await scalar(engine, "SELECT count(*) FROM tally") == 1
    ended.clear()
    for _ in range(60):
        dog.look()
        await asyncio.sleep(0.05)
    assert not ended


async def test_a_partition_that_cannot_be_read_is_said_never_spins_and_stops_no_other(
    run_service: Any, engine: AsyncEngine, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[int] = []
    read = PartitionRecords._consumer_record

    def misread(self: PartitionRecords, tp: TopicPartition, record: Any) -> Any:
        if tp.partition == 0:
            failures.append(record.offset)
            raise RuntimeError("torn")
        return read(self, tp, record)

    monkeypatch.setattr(PartitionRecords, "_consumer_record", misread)
    everywhere = [record_of(registered(), partition=number) for number in range(6)]
    await send(topics, everywhere)
    service = await run_service(hearing())

    async def all_but_one_arrive(count: int) -> None:
        assert await scalar(engine, "SELECT count(*) FROM tally") == count
        assert await service.consumer_trouble() == "records cannot be fetched: RuntimeError"

    await eventually(lambda: all_but_one_arrive(5))
    await send(topics, [record_of(registered(), partition=number) for number in range(1, 6)])
    await eventually(lambda: all_but_one_arrive(10))
    seen = len(failures)
    await asyncio.sleep(3.0)
    assert len(failures) - seen <= 2

    monkeypatch.undo()

    async def all_arrive() -> None:
        assert await scalar(engine, "SELECT count(*) FROM tally") == 11
        assert await service.consumer_trouble() is None

    await eventually(all_arrive)


async def test_a_partition_that_stands_ends_the_process_though_the_others_move(
    run_service: Any, engine: AsyncEngine, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka hands on nothing of one partition, and says nothing."""
    ended: list[int] = []
    drain = FetchResult.getall

    def forgotten(self: FetchResult, max_records: int | None = None) -> list[Any]:
        return [] if self._topic_partition.partition == 0 else drain(self, max_records)

    service = await run_service(hearing())
    dog = Watchdog(service.consumer, stuck_s=2.0, end=ended.append)
    await send(topics, [record_of(registered(), partition=number) for number in range(6)])
    await eventually(lambda: noted(engine, 6))
    await _look(dog, topics, range(6), times=20)
    assert not ended

    monkeypatch.setattr(FetchResult, "getall", forgotten)
    await _look(dog, topics, range(6), times=20)
    assert set(ended) == {70}
    assert "none was taken" in str(dog.trouble())


async def test_a_batch_that_is_long_in_hand_makes_no_other_partition_stand(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    ended: list[int] = []
    slow, begun = new_id(), asyncio.Event()
    on = Handlers("listener")

    @on.event(PatientRegistered)
    async def note(event: PatientRegistered, tx: Transaction) -> None:
        if event.key == str(slow):
            begun.set()
            await asyncio.sleep(0.4)
        await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": event.key})

    records = [record_of(registered(slow), partition=0) for _ in range(10)]
    unreadable = record_of(registered(), partition=0, value=b"?")  # so they are taken one by one
    await send(topics, [*records, unreadable])
    service = await run_service(on)
    await eventually(begun.is_set)
    await send(topics, [record_of(registered(), partition=1)])
    dog = Watchdog(service.consumer, stuck_s=1.0, end=ended.append)

    async def all_arrive() -> None:
        dog.look()
        assert await scalar(engine, "SELECT count(*) FROM tally") == 11

    await eventually(all_arrive)
    assert not ended


async def noted(engine: AsyncEngine, count: int) -> None:
    assert await scalar(engine, "SELECT count(*) FROM tally") == count


async def _look(dog: Watchdog, topics: Topics, partitions: Iterable[int], *, times: int) -> None:
    """Look while one event after the other comes to each of the partitions."""
    for _ in range(times):
        await send(topics, [record_of(registered(), partition=number) for number in partitions])
        await asyncio.sleep(0.2)
        dog.look()
