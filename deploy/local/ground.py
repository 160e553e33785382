"""What everything runs on: the ladder from a given Kafka or PostgreSQL down to an embedded one."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError

from deploy.local import kafka_maven
from deploy.local.kafka_maven import MavenKafka
from deploy.local.postgres import EmbeddedPostgres, Postgres

SERVICES = ("scheduling", "billing", "pharmacy", "notifications")
PARTITIONS = 6


def container_engine_answers() -> bool:
    """Whether a container engine listens, and not only its client program is there."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address.removeprefix("unix://"))
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Kafka:
    """A Kafka to test on. `broker` is there when it may be stopped and started."""

    bootstrap_servers: str
    origin: str
    broker: MavenKafka | None = None


def find_kafka(folder: Path) -> tuple[Kafka, Any]:
    """The best Kafka that can be had here, and what to stop afterwards (or `None`).

    `KAFKA_BOOTSTRAP_SERVERS`, else a container, else Apache Kafka from Maven. Where none of them
    can be had the caller falls back to the embedded broker, in a loud voice.
    """
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        return Kafka(given, "given by KAFKA_BOOTSTRAP_SERVERS"), None
    if container_engine_answers():
        from testcontainers.kafka import KafkaContainer  # noqa: PLC0415  # only where an engine is

        container = KafkaContainer("apache/kafka:4.1.1").with_kraft()
        container.start()
        return Kafka(container.get_bootstrap_server(), "a container"), container
    if kafka_maven.available():
        broker = MavenKafka(folder)
        broker.start()
        return Kafka(broker.bootstrap_servers, "Apache Kafka from Maven", broker), broker
    raise LookupError("no address, no container engine, no Maven with Java 17")


def find_postgres(folder: Path, *, durable: bool) -> tuple[Postgres, Any]:
    """The best PostgreSQL that can be had here, and what to stop afterwards (or `None`)."""
    given = os.environ.get("PRACTICE_POSTGRES_URL")
    if given:
        return Postgres(given), None
    if container_engine_answers():
        from testcontainers.postgres import PostgresContainer  # noqa: PLC0415  # as above

        container = PostgresContainer("postgres:18")
        container.start()
        return Postgres(container.get_connection_url(driver=None)), container
    server = EmbeddedPostgres(folder, durable=durable)
    server.start()
    return server, server


async def create_topics(
    bootstrap_servers: str, names: Iterable[str], *, replication_factor: int = 1
) -> None:
    """Create topics on a real broker with an explicit partition count; those there already stay."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    for attempt in range(30):
        try:
            await admin.start()
        except KafkaConnectionError:
            if attempt == 29:  # noqa: PLR2004  # the last try
                raise
            await asyncio.sleep(0.5)
        else:
            break
    try:
        for name in names:
            try:
                await admin.create_topics([NewTopic(name, PARTITIONS, replication_factor)])
            except TopicAlreadyExistsError:
                continue
    finally:
        await admin.close()


def say_loudly(message: str) -> None:
    """One line that nobody overlooks, on the error stream."""
    sys.stderr.write(f"\n*** {message} ***\n")
