"""The ground that tests stand on: one PostgreSQL and one Kafka for a whole run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_socket

from deploy.local.ground import (
    PARTITIONS,
    SERVICES,
    Kafka,
    create_topics,
    find_kafka,
    find_postgres,
    say_loudly,
)
from deploy.local.kafka_embedded import EmbeddedKafka
from deploy.local.postgres import Database, EmbeddedPostgres, Postgres
from shared.ids import new_id


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Rules are pure: their tests run with sockets off."""
    if item.path.name == "test_rules.py":
        pytest_socket.disable_socket(allow_unix_socket=True)
    else:
        pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="practice-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[Postgres]:
    server, to_stop = find_postgres(run_folder / "postgres", durable=False)
    yield server
    if to_stop is not None:
        to_stop.stop()


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, to be stopped and started at will."""
    folder = Path(tempfile.mkdtemp(prefix="practice-pg-"))
    server = EmbeddedPostgres(folder, durable=True)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(run_folder: Path) -> Iterator[Kafka | None]:
    """A real Kafka for the whole run, or `None` where none can be had."""
    try:
        found, to_stop = find_kafka(run_folder / "kafka")
    except LookupError as none:
        say_loudly(
            f"Kafka: {none}. The embedded broker stands in; tests marked real_kafka are left out:"
            " several members of a group, a broker that stops and comes back."
        )
        found, to_stop = None, None
    yield found
    if to_stop is not None:
        to_stop.stop()


@pytest.fixture
def real_kafka(kafka: Kafka | None) -> Kafka:
    if kafka is None:
        pytest.skip("needs a real Kafka, and this machine has none")
    return kafka


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of a test's own: the services' names behind a prefix."""

    bootstrap_servers: str
    prefix: str

    def __getitem__(self, service: str) -> str:
        return self.prefix + service


@pytest.fixture
async def make_database(
    postgres: Postgres,
) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """Make fresh, empty databases, each with a role of its own; all are dropped afterwards."""
    made: list[str] = []

    async def make(name: str) -> Database:
        database = await postgres.create_database(f"{name}_{new_id().hex[-10:]}")
        made.append(database.name)
        return database

    yield make
    for name in made:
        await postgres.drop_database(name)


@pytest.fixture
async def database(make_database: Callable[[str], Awaitable[Database]]) -> Database:
    return await make_database("test")


@pytest.fixture
async def topics(kafka: Kafka | None, tmp_path: Path) -> AsyncIterator[Topics]:
    """Fresh topics; on a machine without a real Kafka, on an embedded broker of their own."""
    prefix = f"t{new_id().hex[-10:]}-"
    if kafka is not None:
        await create_topics(kafka.bootstrap_servers, [prefix + name for name in SERVICES])
        yield Topics(kafka.bootstrap_servers, prefix)
        return
    broker = EmbeddedKafka(tmp_path, {prefix + name: PARTITIONS for name in SERVICES})
    broker.start()
    yield Topics(broker.bootstrap_servers, prefix)
    broker.stop()
