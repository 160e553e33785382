"""What every test may ask for: a database of its own, topics of its own, a real broker."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from xdist.workermanage import WorkerController

from deploy.kafka.topics import prefixed
from deploy.local import ground
from deploy.local.ground import Kafka
from deploy.local.postgres import Database, EmbeddedPostgres, Postgres
from shared.service import keep_for_good
from tests.support import memory, stripe_mock
from tests.support.stripe_mock import OfficialStripe
from tests.support.templates import Templates
from tests.support.topics import Topics

_LOUD: list[str] = []
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "real_kafka: needs Apache Kafka; the embedded broker cannot do this",
        "takes_kafka_away: takes the broker away and brings it back; left out on a given one",
        "restarts_postgres: stops the server and starts it again; left out on a given one",
    ):
        config.addinivalue_line("markers", marker)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the collector need not look at it again and again."""
    keep_for_good()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name == "test_rules.py":
            item.add_marker(pytest.mark.disable_socket)  # rules reach nothing
    items.sort(key=lambda item: not _takes_long(item.path))


def _takes_long(path: Path) -> bool:
    """Whole clinics and whole APIs, which are begun first: none is left for the end, alone."""
    return path.parent.name in {"flows", "local"} or path.name.endswith(
        ("_canary.py", "_api.py", "_offered.py")
    )


def pytest_make_parametrize_id(val: object) -> str | None:
    """A test is called the same in every process, whatever made-up ids it is given."""
    return _UUID.sub("id", val) if isinstance(val, str) and _UUID.search(val) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that runs a share of the tests hands over what it has to say."""
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["loud"] = _LOUD


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Hear what such a process had to say; several say the same."""
    told = getattr(node, "workeroutput", {})  # it has none if it died
    _LOUD.extend(line for line in told.get("loud", ()) if line not in _LOUD)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _LOUD:
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def ground_folder() -> Iterator[Path]:
    """What the servers of this process keep; gone after the run."""
    with memory.servers_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(ground_folder: Path) -> Iterator[Postgres]:
    """One PostgreSQL server for all tests of this process."""
    server = ground.find_postgres(ground_folder / "pg")
    yield server
    if isinstance(server, EmbeddedPostgres):
        server.destroy()
    else:
        server.stop()


@pytest.fixture(scope="session")
def kafka(ground_folder: Path) -> Iterator[Kafka]:
    """One broker for all tests of this process. `kafka.is_real`: whether it is Apache Kafka."""
    broker = ground.find_kafka(ground_folder / "kafka", _LOUD.append)
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def official_stripe(ground_folder: Path) -> Iterator[OfficialStripe | None]:
    """Stripe's official mock, to put our calls to; none, and loudly so, where it cannot be had."""
    try:
        program, api = stripe_mock.build(ground_folder / "stripe-mock")
    except stripe_mock.NotToBeHad as why:
        _LOUD.append(f"LEFT OUT: our calls to Stripe against its official mock: {why}")
        yield None
        return
    with stripe_mock.started(program, api, ground_folder / "stripe-mock.log") as official:
        yield official


MakeDatabase = Callable[[str], Awaitable[Database]]


@pytest.fixture
async def make_database(postgres: Postgres) -> AsyncIterator[MakeDatabase]:
    """Makes fresh, empty databases, each with a role of its own; all are dropped afterwards."""
    made: list[Database] = []

    async def make(name: str) -> Database:
        made.append(await postgres.create_database(f"{name}_{uuid4().hex[:10]}"))
        return made[-1]

    yield make
    for database in made:
        await postgres.drop_database(database.name)


@pytest.fixture(scope="session")
async def templates(postgres: Postgres) -> AsyncIterator[Templates]:
    """Copies of migrated databases, for tests that migrate nothing themselves."""
    templates = Templates(postgres)
    yield templates
    await templates.drop()


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh, empty database with a role of its own, for one test."""
    return await make_database("test")


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A durable server of the test's own, to be stopped, killed and started at will."""
    folder = Path(tempfile.mkdtemp(prefix="practice-pg-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="module")
async def module_database(postgres: Postgres) -> AsyncIterator[Database]:
    """A fresh, empty database with a role of its own, for the tests of one module."""
    made = await postgres.create_database(f"m_{uuid4().hex[:12]}")
    yield made
    await postgres.drop_database(made.name)


@pytest.fixture
async def topics(kafka: Kafka) -> AsyncIterator[Topics]:
    """Fresh topics, six partitions each, for one test."""
    prefix = f"t{uuid4().hex[:8]}."
    await kafka.create_topics(prefixed(prefix))
    yield Topics(prefix, kafka.bootstrap_servers)
    await kafka.delete_topics(prefixed(prefix))


@pytest.fixture(autouse=True)
def _ground_fits(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave out, loudly, what this ground cannot do; put back what a test took away."""
    node = request.node
    if node.get_closest_marker("real_kafka"):
        kafka = request.getfixturevalue("kafka")
        if not kafka.is_real:
            pytest.skip(
                "needs a real Kafka: KAFKA_BOOTSTRAP_SERVERS, containers, or Maven and Java 17"
            )
    takes_kafka = node.get_closest_marker("takes_kafka_away") is not None
    if takes_kafka and not request.getfixturevalue("kafka").can_go_away:
        pytest.skip("a given broker is not ours to take away")
    restarts = node.get_closest_marker("restarts_postgres") is not None
    if restarts and not isinstance(request.getfixturevalue("postgres"), EmbeddedPostgres):
        pytest.skip("only the embedded PostgreSQL is restarted")
    yield
    if takes_kafka:
        request.getfixturevalue("kafka").bring_back()
    if restarts:
        request.getfixturevalue("postgres").start()
