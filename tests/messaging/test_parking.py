"""What is parked: kept in each patient's order, replayed or discarded by a person, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FixedClock
from shared.errors import Retry
from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, UnitOfWork, inbox, parking, replaying
from shared.messaging.seam import Limits, Seam
from tests.messaging.conftest import scalar, tally
from tests.messaging.desk import operator
from tests.messaging.records import delivered, record_of, registered, send
from tests.support.eventually import eventually
from tests.support.topics import Topics

QUICK = Limits(retries=1, bug_retries=0, backoff_s=0.01)


class Listener:
    """A service that notes who registers; breaks on some, and cannot yet decide others."""

    def __init__(self) -> None:
        self.breaks_on: set[str] = set()
        self.waits_on: set[str] = set()
        self.on = Handlers("listener")
        self.on.event(PatientRegistered)(self.note)

    async def note(self, event: PatientRegistered, tx: Transaction) -> None:
        if event.key in self.breaks_on:
            raise KeyError(event.key)
        if event.key in self.waits_on:
            raise Retry("busy")
        await tx.execute(text("INSERT INTO tally (who) VALUES (:who)"), {"who": event.key})


async def waiting(engine: AsyncEngine, *states: str) -> None:
    query = "SELECT string_agg(state, ' ' ORDER BY seq) FROM parked_events"
    assert await scalar(engine, query) == " ".join(states)


async def noted(engine: AsyncEngine, *who: object) -> None:
    assert sorted(noted for noted, _ in await tally(engine)) == sorted(str(one) for one in who)


async def end(ops: httpx.AsyncClient, item: dict[str, Any], verb: str) -> httpx.Response:
    where = f"/operations/parked/{item['parked_id']}/{verb}"
    return await ops.post(where, json={"why": "a test of ours"})


async def test_an_event_that_a_person_discarded_is_never_decided_however_often_it_comes(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    listener, ill, well = Listener(), new_id(), new_id()
    listener.breaks_on.add(str(ill))
    records = [record_of(registered(ill)) for _ in range(2)]
    await send(topics, records)
    service = await run_service(listener.on, seam_limits=QUICK)
    await eventually(lambda: waiting(engine, "parked", "held"))
    async with operator(service) as ops:
        parked, held = (await ops.get("/operations/parked")).json()["items"]
        assert (await end(ops, held, "discard")).status_code == 200
        assert (await end(ops, parked, "discard")).status_code == 200

    listener.breaks_on.clear()  # the bug is mended, and scheduling offers its events again
    await send(topics, [*records, record_of(registered(ill)), record_of(registered(well))])
    await eventually(lambda: noted(engine, ill, well))


async def test_a_held_event_is_not_replayed_before_the_one_it_waits_for(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    listener, ill = Listener(), new_id()
    listener.breaks_on.add(str(ill))
    await send(topics, [record_of(registered(ill)) for _ in range(3)])
    service = await run_service(listener.on, seam_limits=QUICK)
    await eventually(lambda: waiting(engine, "parked", "held", "held"))
    listener.breaks_on.clear()
    async with operator(service) as ops:
        parked, *held = (await ops.get("/operations/parked")).json()["items"]
        for one in held:
            refused = await end(ops, one, "replay")
            assert refused.status_code == 409
            assert "waits_for_parked" in refused.json()["detail"]
            assert parked["parked_id"] in refused.json()["detail"]
        await noted(engine)
        await waiting(engine, "parked", "held", "held")
        assert (await end(ops, parked, "replay")).json() == {"replayed": True, "followed": 2}
    await noted(engine, ill, ill, ill)


async def test_what_is_held_does_not_wait_for_a_record_that_was_parked_after_it(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    listener, ill = Listener(), new_id()
    listener.breaks_on.add(str(ill))
    unreadable = record_of(registered(ill), value=b"?")
    await send(topics, [record_of(registered(ill)), record_of(registered(ill)), unreadable])
    service = await run_service(listener.on, seam_limits=QUICK)
    await eventually(lambda: waiting(engine, "parked", "held", "parked"))
    listener.breaks_on.clear()
    async with operator(service) as ops:
        first, _, _ = (await ops.get("/operations/parked")).json()["items"]
        assert (await end(ops, first, "discard")).json()["followed"] == 1
        await waiting(engine, "discarded", "replayed", "parked")


async def test_a_consumer_that_stands_still_is_not_moved_by_what_follows_by_itself(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    listener, ill = Listener(), new_id()
    limits = Limits(retries=1, bug_retries=0, backoff_s=0.01, parked_in_a_row=1)
    seam = Seam(listener.on, UnitOfWork(engine, clock, listener.on), limits=limits)
    listener.breaks_on.add(str(ill))
    await seam.take([delivered(record_of(registered(ill)))])
    seam.resume()
    await seam.take([delivered(record_of(registered(ill)), offset=1)])
    await waiting(engine, "parked", "held")
    listener.breaks_on.clear()
    async with engine.begin() as connection:
        seq = (await connection.execute(text("SELECT min(seq) FROM parked_events"))).scalar_one()
        assert await parking.resolve(
            connection, seq, state="discarded", by="x", why="y", now=clock.now()
        )
    await seam.take([delivered(record_of(registered(), value=b"?"))])
    assert seam.halted
    assert await replaying.follow_up(seam) == 1
    assert seam.halted


async def test_discarded_events_that_come_again_in_great_number_stop_nobody(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    listener = Listener()
    limits = Limits(retries=1, bug_retries=0, backoff_s=0.01, parked_in_a_row=4)
    seam = Seam(listener.on, UnitOfWork(engine, clock, listener.on), limits=limits)
    bad = [delivered(record_of(registered(), value=b"?")) for _ in range(3)]
    await seam.take(bad)
    async with engine.begin() as connection:
        seqs = await connection.execute(text("SELECT seq FROM parked_events"))
        for seq in seqs.scalars().all():
            assert await parking.resolve(
                connection, seq, state="discarded", by="x", why="y", now=clock.now()
            )
    async with asyncio.timeout(10):
        await seam.take(bad)
    assert not seam.halted
    await waiting(engine, "discarded", "discarded", "discarded")


async def test_an_event_that_was_decided_and_comes_again_is_not_held(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    listener, ill = Listener(), new_id()
    seam = Seam(listener.on, UnitOfWork(engine, clock, listener.on), limits=QUICK)
    decided, bad = (delivered(record_of(registered(ill))) for _ in range(2))
    await seam.take([decided])
    listener.breaks_on.add(str(ill))
    await seam.take([bad])
    await seam.take([decided])
    await waiting(engine, "parked")


async def test_a_broken_copy_that_is_discarded_takes_no_event_along(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    listener, ill, held, late = Listener(), new_id(), new_id(), new_id()
    listener.breaks_on.add(str(ill))
    service = await run_service(listener.on, seam_limits=QUICK)
    copies = [record_of(registered(ill), event_id=id_, value=b"{half") for id_ in (held, late)]
    await send(topics, [record_of(registered(ill)), record_of(registered(ill), event_id=held)])
    await eventually(lambda: waiting(engine, "parked", "held"))
    await send(topics, copies)
    await eventually(lambda: waiting(engine, "parked", "held", "parked", "parked"))
    listener.breaks_on.clear()
    async with operator(service) as ops:
        first, _, *broken = (await ops.get("/operations/parked")).json()["items"]
        for copy in broken:
            assert (await end(ops, copy, "discard")).status_code == 200
        assert (await end(ops, first, "replay")).json() == {"replayed": True, "followed": 1}
    await waiting(engine, "replayed", "replayed", "discarded", "discarded")
    await noted(engine, ill, ill)
    await send(topics, [*copies, record_of(registered(ill), event_id=late)])
    await eventually(lambda: noted(engine, ill, ill, ill))
    await waiting(engine, "replayed", "replayed", "discarded", "discarded")


async def test_a_replay_of_what_was_decided_before_says_so_and_decides_nothing(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    listener, ill, event_id = Listener(), new_id(), new_id()
    listener.breaks_on.add(str(ill))
    copies = [record_of(registered(ill), event_id=event_id) for _ in range(3)]
    for number, copy in enumerate(copies):
        copy["value"] += b" " * number
    service = await run_service(listener.on, seam_limits=QUICK)
    await send(topics, copies)
    await eventually(lambda: waiting(engine, "parked", "held", "held"))
    listener.breaks_on.clear()
    async with operator(service) as ops:
        first, *_ = (await ops.get("/operations/parked")).json()["items"]
        async with service.work.transaction() as tx:
            await inbox.claim(tx.connection, "listener", [event_id], at=tx.now)
        said = await end(ops, first, "replay")
        assert (said.status_code, "decided before" in said.json()["detail"]) == (409, True)
    await eventually(lambda: waiting(engine, "discarded", "discarded", "discarded"))
    await noted(engine)


async def test_a_held_event_that_fails_for_a_moment_rests_while_others_follow(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    listener, ana, ben = Listener(), new_id(), new_id()
    listener.breaks_on |= {str(ana), str(ben)}
    service = await run_service(listener.on, seam_limits=replace(QUICK, retries=3))
    await send(topics, [record_of(registered(who), partition=0) for who in (ben, ben, *[ana] * 20)])
    await eventually(lambda: waiting(engine, "parked", "held", "parked", *["held"] * 19))
    listener.breaks_on.clear()
    listener.waits_on.add(str(ben))
    async with operator(service) as ops:
        first, second, third, *_ = (await ops.get("/operations/parked")).json()["items"]
        assert (await end(ops, first, "discard")).json() == {"discarded": True, "followed": 0}
        assert (await end(ops, third, "replay")).json() == {"replayed": True, "followed": 19}
        shown = (await ops.get(f"/operations/parked/{second['parked_id']}")).json()
        assert shown["state"] == "held"
        assert shown["attempts"] <= 2  # a slow machine lets the first rest pass
    listener.waits_on.clear()
    await eventually(lambda: noted(engine, ben, *[ana] * 20))


async def test_open_records_that_come_again_in_great_number_stop_nobody(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    listener = Listener()
    limits = Limits(retries=1, bug_retries=0, backoff_s=0.01, parked_in_a_row=4)
    unit = UnitOfWork(engine, clock, listener.on)
    bad = [delivered(record_of(registered(), value=b"?"), offset=n) for n in range(3)]
    await Seam(listener.on, unit, limits=limits).take(bad)
    again = Seam(listener.on, unit, limits=limits)
    async with asyncio.timeout(10):
        await again.take(bad * 2)
    assert not again.halted
    assert again.parked_in_a_row == 0
    await waiting(engine, "parked", "parked", "parked")
