"""Which Kafka and which PostgreSQL a run stands on: the best that this machine can give.

Kafka: an address in `KAFKA_BOOTSTRAP_SERVERS`, else a container, else Apache Kafka from Maven,
else the embedded broker with one loud line that says what is left out. PostgreSQL: an
administrator's URL in `PRACTICE_POSTGRES_URL`, else a container, else the embedded server.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from deploy.kafka import topics as kafka_topics
from deploy.local import containers, maven
from deploy.local.kafka_embedded import EmbeddedKafka
from deploy.local.kafka_maven import MavenKafka
from deploy.local.postgres import EmbeddedPostgres, Postgres

KAFKA_ADDRESS = "KAFKA_BOOTSTRAP_SERVERS"
KAFKA_KIND = "PRACTICE_TEST_KAFKA"
POSTGRES_URL = "PRACTICE_POSTGRES_URL"
POSTGRES_KIND = "PRACTICE_TEST_POSTGRES"
LEFT_OUT = (
    "two replicas of one service, rebalances, transactions, and an outage that Kafka's own disk "
    "must survive"
)


class Kafka(Protocol):
    """A broker that a run stands on."""

    @property
    def kind(self) -> str: ...
    @property
    def is_real(self) -> bool:
        """Whether it is Apache Kafka or speaks for it in every respect."""

    @property
    def can_go_away(self) -> bool:
        """Whether `take_away` is ours to do."""

    @property
    def bootstrap_servers(self) -> str: ...
    def stop(self) -> None: ...
    def take_away(self) -> None:
        """Cut every connection and take no new one."""

    def bring_back(self) -> None:
        """Serve again at the same address, with all that was acknowledged. Safe to repeat."""

    async def create_topics(self, topics: Mapping[str, int]) -> None:
        """Make topics, name to partition count, ready to be written to."""

    async def delete_topics(self, names: Iterable[str]) -> None: ...


class GivenKafka:
    """Somebody else's broker: used, never started, stopped or taken away."""

    kind = "given"
    is_real = True
    can_go_away = False

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    def stop(self) -> None:
        """Not ours to stop."""

    def take_away(self) -> None:
        raise RuntimeError("a given broker is not ours to take away")

    def bring_back(self) -> None:
        """It never went."""

    async def create_topics(self, topics: Mapping[str, int]) -> None:
        await kafka_topics.create(self.bootstrap_servers, topics)

    async def delete_topics(self, names: Iterable[str]) -> None:
        await kafka_topics.delete(self.bootstrap_servers, names)


def find_kafka(folder: Path, say: Callable[[str], None]) -> Kafka:
    """Start the best Kafka to be had. `PRACTICE_TEST_KAFKA` names one kind and no other."""
    if address := os.environ.get(KAFKA_ADDRESS):
        return GivenKafka(address)
    rungs = {"container": _container_kafka, "maven": _maven_kafka, "embedded": _embedded_kafka}
    only = os.environ.get(KAFKA_KIND)
    if only is not None and only not in rungs:
        raise ValueError(f"{KAFKA_KIND}={only}: one of {', '.join(rungs)}")
    why: list[str] = []
    for kind in rungs if only is None else (only,):
        found = rungs[kind](folder)
        if not isinstance(found, str):
            if not found.is_real:
                reason = "; ".join([f"{KAFKA_ADDRESS} is not set", *why])
                say(f"NO REAL KAFKA ({reason}). The embedded broker leaves out: {LEFT_OUT}.")
            return found
        why.append(found)
    raise RuntimeError(f"{KAFKA_KIND}={only}: {'; '.join(why)}")


def _container_kafka(_folder: Path) -> Kafka | str:
    if not containers.engine_answers():
        return "no container engine answers"
    kafka = containers.ContainerKafka()
    try:
        kafka.start()
    except Exception as error:  # noqa: BLE001  # no image, no room, no rights: the next rung
        return f"the container did not start ({type(error).__name__})"
    return kafka


def _maven_kafka(folder: Path) -> Kafka | str:
    if lack := maven.missing():
        return lack
    try:
        kafka = MavenKafka(folder)
        kafka.start()
    except RuntimeError as error:
        return str(error)
    return kafka


def _embedded_kafka(folder: Path) -> Kafka | str:
    kafka = EmbeddedKafka(folder)
    kafka.start()
    return kafka


def find_postgres(folder: Path) -> Postgres:
    """Start the best PostgreSQL to be had. `PRACTICE_TEST_POSTGRES` names one kind and no other."""
    if url := os.environ.get(POSTGRES_URL):
        return Postgres(url)
    only = os.environ.get(POSTGRES_KIND)
    if only in {None, "container"} and containers.engine_answers():
        container = containers.ContainerPostgres()
        try:
            container.start()
        except Exception:  # no image, no room, no rights: the wheel needs none of them
            if only is not None:
                raise
        else:
            return container
    embedded = EmbeddedPostgres(folder, durable=False)
    embedded.start()
    return embedded
