"""The consumer on a real broker: what keeps it from moving is said, and ends the process."""

from __future__ import annotations

import asyncio
from typing import Any

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
