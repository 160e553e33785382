"""The broker under every test: produced once, read once, in each key's order; gone and back."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.kafka.topics import TOPICS, TopicTrouble, create
from deploy.local.ground import Kafka
from tests.support.eventually import eventually
from tests.support.topics import Topics


async def _read(servers: str, topic: str, count: int, group: str | None = None) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=5,
        session_timeout_ms=1500,
        heartbeat_interval_ms=300,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            values = [(await consumer.getone()).value or b"" for _ in range(count)]
        if group is not None:
            await consumer.commit()
        return values
    finally:
        await consumer.stop()


async def _produce(servers: str, topic: str, values: list[bytes], key: bytes = b"patient") -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", enable_idempotence=True, request_timeout_ms=8000
    )
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=key)
    finally:
        await producer.stop()


async def test_what_is_said_about_one_patient_is_heard_in_order(
    topics: Topics, kafka: Kafka
) -> None:
    said = [str(number).encode() for number in range(50)]
    await _produce(topics.bootstrap_servers, topics.name("scheduling"), said)
    assert await _read(topics.bootstrap_servers, topics.name("scheduling"), 50) == said


async def test_a_group_goes_on_where_it_committed(topics: Topics) -> None:
    servers, topic = topics.bootstrap_servers, topics.name("billing")
    await _produce(servers, topic, [b"first", b"second"])
    assert await _read(servers, topic, 2, group=topics.prefix + "ledger") == [b"first", b"second"]
    await _produce(servers, topic, [b"third"])
    assert await _read(servers, topic, 1, group=topics.prefix + "ledger") == [b"third"]


async def test_every_topic_has_the_partitions_it_was_made_with(topics: Topics) -> None:
    for name, partitions in TOPICS.items():
        consumer = AIOKafkaConsumer(
            topics.name(name), bootstrap_servers=topics.bootstrap_servers, group_id=None
        )
        await consumer.start()
        try:
            assert len(consumer.partitions_for_topic(topics.name(name)) or ()) == partitions
        finally:
            await consumer.stop()


@pytest.mark.takes_kafka_away
async def test_what_was_acknowledged_before_kafka_went_is_there_when_it_is_back(
    topics: Topics, kafka: Kafka
) -> None:
    servers, topic = topics.bootstrap_servers, topics.name("pharmacy")
    await _produce(servers, topic, [b"before"])
    kafka.take_away()
    host, _, port = servers.rpartition(":")
    with pytest.raises(ConnectionError):
        await asyncio.open_connection(host, int(port))
    kafka.bring_back()
    assert kafka.bootstrap_servers == servers
    await _produce(servers, topic, [b"after"])
    assert await _read(servers, topic, 2) == [b"before", b"after"]


@pytest.mark.real_kafka
async def test_making_the_topics_again_changes_nothing_and_other_partitions_are_refused(
    topics: Topics,
) -> None:
    topic = topics.name("billing")
    await create(topics.bootstrap_servers, {topic: 6})
    with pytest.raises(TopicTrouble, match="has 6 partitions, not 7"):
        await create(topics.bootstrap_servers, {topic: 7})


@pytest.mark.real_kafka
async def test_no_topic_is_made_by_writing_to_it(kafka: Kafka) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, request_timeout_ms=1000)
    await producer.start()
    try:
        with pytest.raises(KafkaError):
            await producer.send_and_wait("never-made", b"lost")
    finally:
        await producer.stop()


@pytest.mark.real_kafka
async def test_two_members_of_one_group_share_the_partitions(topics: Topics) -> None:
    servers, topic = topics.bootstrap_servers, topics.name("scheduling")

    def member() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(topic, bootstrap_servers=servers, group_id=topics.prefix + "pair")

    first, second = member(), member()
    await asyncio.gather(first.start(), second.start())
    try:
        await eventually(
            lambda: len(first.assignment()) == len(second.assignment()) == 3, within_s=20
        )
        assert not first.assignment() & second.assignment()
    finally:
        await asyncio.gather(first.stop(), second.stop())
