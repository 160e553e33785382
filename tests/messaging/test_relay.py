"""The relay on a real broker: in each key's order, never lost, never stuck on one row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Database
from deploy.local.processes import free_port
from shared.clock import FixedClock
from shared.db import create_engine
from shared.events.scheduling import PatientCheckedIn
from shared.ids import new_id
from shared.messaging import Handlers, UnitOfWork, outbox, relay
from shared.messaging.relay import Relay, RelayLimits
from shared.messaging.runtime import make_producer
from tests.messaging.conftest import scalar
from tests.messaging.records import START, checked_in
from tests.support.eventually import eventually
from tests.support.parked import parked_items
from tests.support.topics import Topics

TOPIC = "scheduling"


@pytest.fixture
async def unit(database: Database, engine: AsyncEngine, topics: Topics, clock: FixedClock) -> Any:
    mine = create_engine(database.url)
    yield UnitOfWork(mine, clock, Handlers(TOPIC), topic_prefix=topics.prefix)
    await mine.dispose()


StartRelay = Callable[..., Relay]


@pytest.fixture
async def start_relay(unit: UnitOfWork, topics: Topics) -> AsyncIterator[StartRelay]:
    tasks: list[asyncio.Task[None]] = []

    def start(make: Callable[[], AIOKafkaProducer] | None = None, **limits: Any) -> Relay:
        relay = Relay(
            unit,
            make or (lambda: make_producer(topics.bootstrap_servers)),
            limits=RelayLimits(**{"poll_s": 0.05} | limits),
        )
        tasks.append(asyncio.create_task(relay.run()))
        return relay

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def read(topics: Topics, count: int, name: str | None = None) -> list[ConsumerRecord]:
    """The first `count` records of the topic; fails when more come soon after."""
    consumer = AIOKafkaConsumer(
        name or topics.name(TOPIC),
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            found = [await consumer.getone() for _ in range(count)]
        assert not await consumer.getmany(timeout_ms=100)
        return found
    finally:
        await consumer.stop()


async def say(unit: UnitOfWork, *said: tuple[UUID, int]) -> None:
    async with unit.transaction() as tx:
        for patient, minute in said:
            tx.publish(checked_in(patient, minute))


def minutes_of(records: list[ConsumerRecord]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for record in records:
        event = PatientCheckedIn.model_validate_json(record.value)
        found.setdefault(event.key, []).append(event.checked_in_at.minute)
    return found


async def outbox_is_empty(engine: AsyncEngine) -> None:
    assert await scalar(engine, "SELECT count(*) FROM outbox") == 0


async def test_two_relays_keep_each_patients_order(
    start_relay: StartRelay, unit: UnitOfWork, engine: AsyncEngine, topics: Topics
) -> None:
    for _ in range(2):
        start_relay(batch=7)
    patients = [new_id() for _ in range(20)]

    async def course_of(patient: UUID, companion: UUID) -> None:
        for minute in range(12):
            await say(unit, (patient, minute), (companion, minute))

    companions = [new_id() for _ in patients]
    await asyncio.gather(*map(course_of, patients, companions))
    await eventually(lambda: outbox_is_empty(engine))
    heard = minutes_of(await read(topics, 480))
    assert heard == {str(who): list(range(12)) for who in patients + companions}
    assert await scalar(engine, "SELECT count(*) FROM event_log") == 480


async def test_two_transactions_that_say_something_of_the_same_patients_never_deadlock(
    start_relay: StartRelay, unit: UnitOfWork, topics: Topics
) -> None:
    pair = [new_id() for _ in range(2)]

    async def many(order: int) -> None:
        for minute in range(20):
            await say(unit, *((who, minute) for who in pair[::order]))

    start_relay()
    await asyncio.gather(many(1), many(-1), many(1), many(-1))
    await read(topics, 160)


async def test_what_two_replicas_say_of_a_patient_at_once_is_heard_as_it_is_numbered(
    start_relay: StartRelay,
    unit: UnitOfWork,
    database: Database,
    engine: AsyncEngine,
    topics: Topics,
) -> None:
    async with engine.begin() as connection:  # the first is numbered, and slow to commit
        await connection.execute(
            text(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF new.payload LIKE '%14:01:00Z%' THEN PERFORM pg_sleep(1.5); END IF;"
                " RETURN new; END $$"
            )
        )
        await connection.execute(
            text("CREATE TRIGGER slow AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION slow()")
        )
    other = create_engine(database.url)
    replica = UnitOfWork(other, unit.clock, Handlers(TOPIC), topic_prefix=topics.prefix)
    who = new_id()
    start_relay()
    first = asyncio.create_task(say(unit, (who, 1)))

    async def is_numbered() -> None:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
        assert await scalar(engine, query) == 1

    await eventually(is_numbered, every_s=0.01)
    await say(replica, (who, 2))
    await first
    await other.dispose()
    assert minutes_of(await read(topics, 2)) == {str(who): [1, 2]}


class Wedged(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka ships no types
    """A producer as aiokafka leaves it when its broker hangs: nothing is ever acknowledged."""

    async def send(self, *_: Any, **__: Any) -> Any:
        return asyncio.get_running_loop().create_future()

    async def stop(self) -> None:
        await super().stop()
        await asyncio.Event().wait()


async def test_a_producer_that_is_never_answered_is_given_up_and_a_new_one_sends_the_same(
    start_relay: StartRelay, unit: UnitOfWork, engine: AsyncEngine, topics: Topics
) -> None:
    made: list[AIOKafkaProducer] = []

    def make() -> AIOKafkaProducer:
        kind = AIOKafkaProducer if made else Wedged
        made.append(kind(bootstrap_servers=topics.bootstrap_servers))
        return made[-1]

    patient = new_id()
    await say(unit, *((patient, minute) for minute in range(5)))
    running = start_relay(make, send_s=0.5)
    await eventually(lambda: running.trouble == "kafka")
    await eventually(lambda: outbox_is_empty(engine))
    assert minutes_of(await read(topics, 5)) == {str(patient): list(range(5))}
    assert len(made) == 2
    assert running.trouble is None


async def test_a_database_that_refuses_connections_is_not_called_kafka(
    topics: Topics, clock: FixedClock
) -> None:
    gone = create_engine(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/nothing")
    made: list[AIOKafkaProducer] = []

    def make() -> AIOKafkaProducer:
        made.append(make_producer(topics.bootstrap_servers))
        return made[-1]

    running = Relay(UnitOfWork(gone, clock, Handlers(TOPIC), topic_prefix=topics.prefix), make)
    task = asyncio.create_task(running.run())
    try:
        await eventually(lambda: running.trouble == "database")
        assert len(made) == 1  # the broker is well: its producer stays
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await gone.dispose()


async def test_a_relay_that_is_told_to_end_while_it_gives_a_producer_up_ends(
    unit: UnitOfWork, topics: Topics
) -> None:
    await say(unit, (new_id(), 0))
    relay = Relay(
        unit,
        lambda: Wedged(bootstrap_servers=topics.bootstrap_servers),
        limits=RelayLimits(send_s=0.2),
    )
    running = asyncio.create_task(relay.run())
    await asyncio.sleep(1.0)  # sent after 0.2 s, given up, and waiting for its end for 2 s more
    running.cancel()
    began = monotonic()
    await asyncio.wait({running}, timeout=5)
    assert running.cancelled()
    assert monotonic() - began < 4


async def test_what_the_broker_confirmed_is_kept_though_the_rest_of_the_pass_failed(
    start_relay: StartRelay, unit: UnitOfWork, engine: AsyncEngine, topics: Topics
) -> None:
    class Half(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka ships no types
        sent = 0

        async def send(self, *args: Any, **named: Any) -> Any:
            Half.sent += 1
            if 3 < Half.sent <= 6:
                return asyncio.get_running_loop().create_future()
            return await super().send(*args, **named)

    await say(unit, *((new_id(), 0) for _ in range(6)))
    start_relay(lambda: Half(bootstrap_servers=topics.bootstrap_servers), send_s=0.5)
    await eventually(lambda: outbox_is_empty(engine))
    await read(topics, 6)  # none of the first three is sent again


@pytest.fixture(params=["producer", pytest.param("broker", marks=pytest.mark.real_kafka)])
async def refusing(
    request: pytest.FixtureRequest, topics: Topics
) -> AsyncIterator[tuple[str, int]]:
    """A topic, and a size in bytes that our producer refuses, or that only the broker does."""
    if request.param == "producer":
        yield topics.name(TOPIC), 950_000
        return
    name = f"narrow{uuid4().hex[:8]}.{TOPIC}"
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.bootstrap_servers)
    await admin.start()
    settings = {"max.message.bytes": "20000"}
    await admin.create_topics([NewTopic(name, 6, 1, topic_configs=settings)])
    yield name, 50_000
    await admin.delete_topics([name])
    await admin.close()


async def test_a_row_too_large_is_parked_and_holds_up_its_own_patient_only(
    start_relay: StartRelay,
    unit: UnitOfWork,
    engine: AsyncEngine,
    topics: Topics,
    refusing: tuple[str, int],
) -> None:
    topic, size = refusing
    unit.topic_prefix = topic.removesuffix(TOPIC)
    ill, well = new_id(), new_id()
    await say(unit, (ill, 0), (well, 0))
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE outbox SET payload = decode(repeat('00', :size), 'hex') WHERE key = :key"),
            {"size": size, "key": str(ill)},
        )
    running = start_relay()

    async def parked() -> None:
        async with unit.transaction() as tx:
            found = await parked_items(tx)
        rows = [(row.key, row.reason, row.value_bytes) for row in found]
        assert rows == [(str(ill), "too_large", size)]

    await eventually(parked)
    await say(unit, (ill, 1), (well, 1))
    await eventually(lambda: _sent_of(engine, well, 2))
    assert await _sent_of(engine, ill, 0)
    await eventually(lambda: running.trouble is None)

    async with unit.transaction() as tx:
        [row] = await parked_items(tx)
        assert await outbox.replay(tx.connection, row.parked_id)
    await eventually(parked)  # as large as before
    async with unit.transaction() as tx:
        assert await outbox.discard(tx.connection, row.parked_id)
    await eventually(lambda: outbox_is_empty(engine))
    assert minutes_of(await read(topics, 3, topic)) == {str(well): [0, 1], str(ill): [1]}
    async with unit.transaction() as tx:
        assert not await outbox.replay(tx.connection, row.parked_id)


async def test_what_is_said_right_after_a_row_too_large_waits_behind_it_too(
    start_relay: StartRelay,
    unit: UnitOfWork,
    engine: AsyncEngine,
    topics: Topics,
    refusing: tuple[str, int],
) -> None:
    topic, size = refusing
    unit.topic_prefix = topic.removesuffix(TOPIC)
    ill, well = new_id(), new_id()
    await say(unit, (ill, 0), (well, 0), (ill, 1), (ill, 2))
    enlarge = (
        "UPDATE outbox SET payload = decode(repeat('00', :size), 'hex')"
        " WHERE seq = (SELECT min(seq) FROM outbox)"
    )
    async with engine.begin() as connection:
        await connection.execute(text(enlarge), {"size": size})
    start_relay()  # finds all of them in one pass

    await eventually(lambda: _parked(engine))
    await eventually(lambda: _sent_of(engine, well, 1))
    assert await _sent_of(engine, ill, 0)
    async with unit.transaction() as tx:
        [row] = await parked_items(tx)
        assert await outbox.discard(tx.connection, row.parked_id)
    await eventually(lambda: outbox_is_empty(engine))
    assert minutes_of(await read(topics, 3, topic)) == {str(well): [0], str(ill): [1, 2]}


async def test_rows_of_a_patient_that_are_large_go_out_one_by_one_in_their_order(
    start_relay: StartRelay, unit: UnitOfWork, engine: AsyncEngine, topics: Topics
) -> None:
    ana = new_id()
    await say(unit, *((ana, minute) for minute in range(6)))
    async with engine.begin() as connection:
        widen = "UPDATE outbox SET payload = payload || convert_to(repeat(' ', 20000), 'UTF8')"
        await connection.execute(text(widen))
    start_relay(poll_s=5.0)  # nor does each wait for the next poll
    began = monotonic()
    await eventually(lambda: outbox_is_empty(engine))
    assert monotonic() - began < 4
    assert minutes_of(await read(topics, 6)) == {str(ana): list(range(6))}


async def _parked(engine: AsyncEngine) -> bool:
    return bool(await scalar(engine, "SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL"))


async def _sent_of(engine: AsyncEngine, patient: UUID, count: int) -> bool:
    query = f"SELECT count(*) FROM event_log WHERE key = '{patient}'"
    return bool(await scalar(engine, query) == count)


async def offer_again(unit: UnitOfWork, since: datetime, *, expected: int) -> None:
    async with unit.transaction() as tx:
        assert await outbox.offer_again(tx.connection, since=since, now=tx.now) == expected


async def test_published_events_are_offered_again_in_their_order_with_their_ids(
    start_relay: StartRelay,
    unit: UnitOfWork,
    engine: AsyncEngine,
    topics: Topics,
    clock: FixedClock,
) -> None:
    start_relay()
    early, late = new_id(), new_id()
    await say(unit, (early, 0))
    await eventually(lambda: outbox_is_empty(engine))
    clock.step(timedelta(hours=1))
    await say(unit, (late, 1), (late, 2))
    await eventually(lambda: outbox_is_empty(engine))

    await offer_again(unit, START + timedelta(minutes=30), expected=2)
    await eventually(lambda: outbox_is_empty(engine))
    records = await read(topics, 5)
    assert minutes_of(records) == {str(early): [0], str(late): [1, 2, 1, 2]}
    ids = [dict(record.headers)["ce_id"] for record in records if record.key == str(late).encode()]
    assert ids[:2] == ids[2:]
    assert await scalar(engine, "SELECT count(*) FROM event_log") == 3


async def confirm_all(engine: AsyncEngine) -> None:
    """As if the broker had confirmed whatever is in the outbox."""
    async with engine.begin() as connection:
        seqs = list((await connection.execute(text("SELECT seq FROM outbox"))).scalars())
        await connection.execute(relay._CONFIRM, {"seqs": seqs, "at": START})


async def test_events_offered_again_go_out_before_newer_ones_of_their_patient(
    start_relay: StartRelay, unit: UnitOfWork, engine: AsyncEngine, topics: Topics
) -> None:
    ana, ben = new_id(), new_id()
    await say(unit, (ana, 0), (ben, 0))
    await confirm_all(engine)
    await say(unit, (ana, 1), (ana, 2))  # the broker is away, and they wait
    for _ in range(2):  # a person asks twice
        await offer_again(unit, START, expected=2)
    await say(unit, (ben, 1))
    start_relay()
    await eventually(lambda: outbox_is_empty(engine))
    assert minutes_of(await read(topics, 5)) == {str(ana): [0, 1, 2], str(ben): [0, 1]}


async def test_an_event_being_said_while_older_ones_are_offered_again_goes_out_after_them(
    start_relay: StartRelay, unit: UnitOfWork, engine: AsyncEngine, topics: Topics
) -> None:
    ana = new_id()
    await say(unit, (ana, 0))
    await confirm_all(engine)
    about_to_commit, go_on = asyncio.Event(), asyncio.Event()

    async def pause(_: AsyncConnection) -> None:
        about_to_commit.set()
        await go_on.wait()

    async def say_slowly() -> None:
        async with unit.transaction() as tx:
            tx.publish(checked_in(ana, 2))
            tx.at_end(pause)

    await say(unit, (ana, 1))
    saying = asyncio.create_task(say_slowly())
    await about_to_commit.wait()
    offering = asyncio.create_task(offer_again(unit, START, expected=1))
    await asyncio.wait({offering}, timeout=0.3)
    assert not offering.done()
    go_on.set()
    await asyncio.gather(saying, offering)
    start_relay()
    await eventually(lambda: outbox_is_empty(engine))
    assert minutes_of(await read(topics, 3)) == {str(ana): [0, 1, 2]}


async def test_a_service_on_a_broker_that_forgets_says_again_at_its_start_what_it_said_lately(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    before = await run_service(Handlers(TOPIC))
    await say(before.work, (new_id(), 0))
    await eventually(lambda: outbox_is_empty(engine))
    await before.stop()
    await run_service(Handlers(TOPIC), replay_on_start=timedelta(hours=1))
    first, again = await read(topics, 2)
    assert (first.headers, first.value) == (again.headers, again.value)
