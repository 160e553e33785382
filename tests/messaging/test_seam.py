"""The seam on a real broker: once, in order, and never stopped by what a stranger writes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import Poison, Retry
from shared.events.scheduling import PatientCheckedIn, PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, replaying
from shared.messaging.seam import Limits
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import checked_in, record_of, registered, send
from tests.support.eventually import eventually

LISTENER = "billing"


def listener() -> Handlers:
    on = Handlers(LISTENER)

    @on.event(PatientRegistered)
    async def note_patient(event: PatientRegistered, tx: Transaction) -> None:
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, 'registered')"), {"who": event.key}
        )

    return on


async def test_an_event_delivered_twice_has_its_effect_once(
    run_service: Any, engine: AsyncEngine, topics: Any
) -> None:
    event = registered()
    twice = record_of(event, event_id=new_id())
    await send(topics, [twice, twice, record_of(registered()), twice])
    await run_service(listener())
    await eventually(lambda: _count(engine, 2))
    await send(topics, [twice, record_of(registered())])
    await eventually(lambda: _count(engine, 3))
    assert [who for who, _ in await tally(engine)].count(event.key) == 1


async def _count(engine: AsyncEngine, n: int) -> bool:
    return len(await tally(engine)) == n


async def test_too_many_bad_records_in_a_row_stop_the_consumer_until_a_person_resumes(
    run_service: Any, engine: AsyncEngine, topics: Any
) -> None:
    await send(topics, [record_of(registered(), value=b"?") for _ in range(15)])
    service = await run_service(listener(), seam_limits=Limits(parked_in_a_row=10))
    await eventually(lambda: _parked(engine, 10))
    assert service.seam.halted
    assert "a person" in (await service.consumer_trouble() or "")
    service.seam.resume()
    await eventually(lambda: _parked(engine, 15))
    await send(topics, [record_of(registered())])
    await eventually(lambda: _count(engine, 1))


async def _parked(engine: AsyncEngine, n: int) -> bool:
    return bool(await scalar(engine, "SELECT count(*) FROM parked_events") == n)


async def test_later_events_of_a_key_wait_behind_a_parked_one_and_follow_it_in_order(
    run_service: Any, engine: AsyncEngine, topics: Any
) -> None:
    broken = {"is": True}
    ill, well = new_id(), new_id()
    on = Handlers(LISTENER)

    @on.event(PatientCheckedIn)
    async def note(event: PatientCheckedIn, tx: Transaction) -> None:
        if broken["is"] and event.patient_id == ill and event.checked_in_at.minute == 1:
            raise Poison("not_yet")
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, :what)"),
            {"who": event.key, "what": str(event.checked_in_at.minute)},
        )

    await send(
        topics,
        [record_of(checked_in(p, minute)) for minute in range(5) for p in (ill, well)],
    )
    service = await run_service(on)
    await eventually(lambda: _count(engine, 6))
    assert [what for who, what in await tally(engine) if who == str(ill)] == ["0"]
    await eventually(lambda: _parked(engine, 4))  # partitions need not go side by side
    broken["is"] = False
    seq = await scalar(engine, "SELECT seq FROM parked_events WHERE state = 'parked'")
    failed = await replaying.replay(
        service.seam, seq, by="tester", why="mended", note=lambda _tx, _failed: None
    )
    assert failed is None
    await replaying.follow_up(service.seam)
    await eventually(lambda: _count(engine, 10))
    assert [what for who, what in await tally(engine) if who == str(ill)] == list("01234")
    assert await scalar(engine, "SELECT count(*) FROM parked_events WHERE state <> 'replayed'") == 0


async def test_what_fails_for_the_moment_is_tried_again_and_a_bug_is_parked(
    run_service: Any, engine: AsyncEngine, topics: Any
) -> None:
    tries: dict[str, int] = {}
    on = Handlers(LISTENER)
    busy, bug = new_id(), new_id()

    @on.event(PatientRegistered)
    async def note(event: PatientRegistered, tx: Transaction) -> None:
        tries[event.key] = tries.get(event.key, 0) + 1
        if event.patient_id == bug:
            raise KeyError("Testa Canary")
        if event.patient_id == busy and tries[event.key] < 4:
            raise Retry("busy")
        tx.at_end(lambda connection: _note(connection, event.key))

    async def _note(connection: Any, key: str) -> None:
        await connection.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, 'x')"), {"who": key}
        )

    await send(topics, [record_of(registered(p)) for p in (busy, bug, new_id())])
    await run_service(on)
    await eventually(lambda: _count(engine, 2))

    async def bug_is_parked() -> None:
        assert await scalar(engine, "SELECT reason FROM parked_events") == "bug:KeyError"

    await eventually(bug_is_parked)


@pytest.mark.real_kafka
@pytest.mark.parametrize("repeat", range(3))
async def test_two_replicas_share_a_topic_and_double_nothing_when_one_joins_in_mid_batch(
    run_service: Any, engine: AsyncEngine, topics: Any, repeat: int
) -> None:
    patients = [new_id() for _ in range(60)]
    await send(topics, [record_of(registered(p)) for p in patients for _ in range(10)][:600])
    await run_service(listener())
    await run_service(listener())
    await send(topics, [record_of(registered(p)) for p in patients])
    await eventually(lambda: _count(engine, 660), within_s=40)
    assert await scalar(engine, "SELECT count(*) FROM inbox") == 660
