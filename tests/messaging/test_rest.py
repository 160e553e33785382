"""Whether a service has anything left to do, and whether it is stuck."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from deploy.local.processes import free_port
from shared.clock import FixedClock
from shared.events.billing import CardSaved
from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, Work
from shared.messaging.runtime import Runtime
from shared.messaging.watchdog import Watchdog
from shared.messaging.workers import WorkLimits
from tests.messaging.conftest import tally
from tests.messaging.records import START, record_of, registered, send
from tests.support.eventually import eventually
from tests.support.topics import Topics


class Remind(Work):
    who: str


class Gate:
    """A service whose decider waits at a gate that the test opens."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.on = Handlers("billing")

        @self.on.event(PatientRegistered)
        async def save_card(event: PatientRegistered, tx: Transaction) -> None:
            await self.open.wait()
            await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": event.key})
            tx.publish(CardSaved(patient_id=event.patient_id, card_id=new_id(), saved_at=tx.now))
            tx.do(Remind(who=event.key), due=START + timedelta(hours=1), key=event.key)

        @self.on.due(Remind)
        async def remind(work: Remind, tx: Transaction) -> None:
            """Being decided is all that it is for."""


async def at_rest(service: Runtime) -> None:
    found = await service.rest()
    assert found.at_rest, found


async def test_a_service_is_at_rest_when_all_is_heard_said_and_done(
    run_service: Any, engine: AsyncEngine, topics: Topics, clock: FixedClock
) -> None:
    gate = Gate()
    service = await run_service(gate.on)
    await eventually(lambda: at_rest(service))
    before = await service.rest()
    assert (before.next_due_at, before.unheard, before.outbox) == (None, 0, 0)

    await send(topics, [record_of(registered()) for _ in range(7)])

    async def has_work_in_hand() -> None:
        found = await service.rest()
        assert (found.at_rest, found.unheard) == (False, 7)

    await eventually(has_work_in_hand)
    gate.open.set()
    await eventually(lambda: at_rest(service))
    after = await service.rest()
    assert after.moves > before.moves
    assert after.next_due_at == START + timedelta(hours=1)
    assert len(await tally(engine)) == 7

    clock.step(timedelta(hours=1))
    due = await service.rest()
    assert not due.at_rest or due.next_due_at is None
    await eventually(lambda: at_rest(service))
    assert (await service.rest()).next_due_at is None


async def test_what_a_stepped_clock_makes_due_is_done_as_soon_as_somebody_asks_for_rest(
    run_service: Any, topics: Topics, clock: FixedClock
) -> None:
    gate = Gate()
    gate.open.set()
    service = await run_service(gate.on, work_limits=WorkLimits(poll_s=600.0))
    await send(topics, [record_of(registered())])
    await eventually(lambda: service.seam.batches == 1)
    await eventually(lambda: at_rest(service))

    clock.step(timedelta(hours=1))
    assert not (await service.rest()).at_rest
    await eventually(lambda: at_rest(service))
    assert (await service.rest()).next_due_at is None


async def test_a_service_started_again_knows_from_the_broker_that_it_has_heard_everything(
    run_service: Any, topics: Topics
) -> None:
    gate = Gate()
    gate.open.set()
    await send(topics, [record_of(registered()) for _ in range(5)])
    first = await run_service(gate.on)
    await eventually(lambda: at_rest(first))
    await first.stop()
    second = await run_service(gate.on)
    await eventually(lambda: at_rest(second), within_s=15)
    assert second.seam.batches == 0


async def test_nobody_is_at_rest_who_cannot_ask_the_broker(
    database: Database, engine: AsyncEngine, clock: FixedClock
) -> None:
    service = Runtime(
        Gate().on,
        database_url=database.url,
        bootstrap_servers=f"127.0.0.1:{free_port()}",
        clock=clock,
        gateways={},
    )
    await service.start()
    try:
        await asyncio.sleep(0.5)
        found = await service.rest()
        assert (found.at_rest, found.unheard) == (False, None)
        assert await service.consumer_trouble() == "kafka cannot be reached"
        await eventually(lambda: service.relay.trouble == "kafka")
    finally:
        began = monotonic()
        await service.stop()
        assert monotonic() - began < 8


async def test_the_watchdog_ends_a_process_whose_consumer_stands_still_and_no_other(
    run_service: Any, topics: Topics
) -> None:
    gate = Gate()
    service = await run_service(gate.on)
    await eventually(lambda: service.consumer.trouble() is None, within_s=20)
    ended: list[int] = []
    dog = Watchdog(service.consumer, stuck_s=0.4, end=ended.append)

    async def watch(for_s: float) -> None:
        for _ in range(int(for_s / 0.05)):
            dog.look()
            await asyncio.sleep(0.05)

    await watch(0.8)
    assert not ended  # nothing to do is not stuck

    await send(topics, [record_of(registered())])  # the decider takes it and stands at the gate
    await watch(0.2)
    await send(topics, [record_of(registered()) for _ in range(5)])
    await eventually(lambda: sum(service.consumer.lag().values()) > 0)
    service.seam.waits_for = "database"
    await watch(0.8)
    assert not ended  # who waits by right is not stuck
    service.seam.waits_for = None
    await watch(0.2)
    assert not ended  # nor is anybody after a moment
    await watch(0.8)
    assert set(ended) == {70}
    assert "records wait and none was taken" in str(dog.trouble())

    gate.open.set()
    await eventually(lambda: sum(service.consumer.lag().values()) == 0)
    ended.clear()
    await watch(0.8)
    assert not ended
    assert dog.trouble() is None
