"""The commands that look after an installation, against one that runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from typer.testing import CliRunner, Result

from deploy.local.cli import app
from deploy.local.client import Practice
from deploy.local.ground import Kafka
from deploy.local.installation import SERVICES, Installation, Plan, State, Trouble
from deploy.local.installation.keys import Keys
from deploy.local.postgres import Postgres
from shared.auth import Role, Tokens
from shared.db import create_engine
from tests.local.test_up import CANARY
from tests.support.eventually import eventually


@dataclass(frozen=True, slots=True)
class Running:
    run: Path
    installation: Installation
    patient_id: str

    def practice(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["--run", str(self.run), *words])


@pytest.fixture(scope="module")
async def running(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """An installation with one patient, on the session's servers."""
    run = tmp_path_factory.mktemp("run")
    mark = f"c{uuid4().hex[:8]}"
    plan = Plan(
        run / "up",
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="+12025550100",
        topic_prefix=f"{mark}.",
        database_prefix=f"{mark}_",
    )
    now = datetime(2027, 3, 12, 16, 0, tzinfo=UTC)
    async with Installation(plan, starts_at=now, rate=0, kafka=kafka, postgres=postgres) as made:
        async with Practice(made.state()) as practice:
            patient = await practice.post("scheduling", "/patients", CANARY, role=Role.FRONT_DESK)
        yield Running(run, made, patient["patient_id"])


async def _ready(running: Running, service: str) -> None:
    """Wait until a service says that it is fit for work."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def is_ready() -> bool:
            try:
                url = running.installation.plan.url(service)
                return (await client.get(f"{url}/health/ready")).is_success
            except httpx.HTTPError:
                return False

        await eventually(is_ready, within_s=60.0)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRACTICE_SERVICES", "PRACTICE_KAFKA_BOOTSTRAP_SERVERS", "PRACTICE_TOPIC_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def test_check_says_that_all_is_well(running: Running):
    told = running.practice("check")
    assert told.exit_code == 0, told.output
    assert [line.split() for line in told.output.splitlines()] == [
        [service, "ready"] for service in SERVICES
    ]


def test_check_says_who_does_not_answer_and_where_the_logs_are(running: Running):
    billing = psutil.Process(running.installation.children["billing"].pid)
    billing.suspend()
    try:
        told = running.practice("check")
    finally:
        billing.resume()
    assert told.exit_code == 1
    said = " ".join(told.output.split())
    assert "scheduling ready billing not ready process does not answer at" in said
    assert str(running.run / "up" / "logs") in told.output
    asyncio.run(_ready(running, "billing"))


def test_services_that_were_not_started_here_are_named(running: Running):
    url = running.installation.plan.url("billing")
    told = CliRunner().invoke(app, ["--service", f"billing={url}", "check"])
    assert told.exit_code == 0, told.output
    assert told.output.split() == ["billing", "ready"]


def test_nothing_that_runs_is_one_line_that_says_what_to_do(tmp_path: Path):
    told = CliRunner().invoke(app, ["--run", str(tmp_path), "check"])
    assert told.exit_code == 1
    assert told.output.startswith(f"nothing runs from {tmp_path}. Start it with `practice up`")
    assert len(told.output.splitlines()) == 1


def test_a_token_lets_its_bearer_do_what_its_roles_may(running: Running):
    printed = running.practice("token", "biller", "nurse").output.strip()
    tokens = Tokens(running.installation.plan.keys.token_secret, env="development")
    actor = tokens.actor(printed)
    assert actor is not None
    assert actor.roles == {Role.BILLER, Role.NURSE}
    assert actor.locations is None


def test_a_token_may_be_for_one_location(running: Running):
    place = uuid4()
    printed = running.practice("token", "nurse", "--location", str(place)).output.strip()
    tokens = Tokens(running.installation.plan.keys.token_secret, env="development")
    actor = tokens.actor(printed)
    assert actor is not None
    assert actor.locations == {place}


def test_the_state_file_is_for_its_owner_only(running: Running):
    path = running.run / "up" / "state.json"
    assert path.stat().st_mode & 0o777 == 0o600
    state = State.under(running.run)
    assert "token_secret" not in repr(state)
    assert set(state.services) == set(SERVICES)


def test_the_catalogue_says_who_hears_an_event():
    told = CliRunner().invoke(app, ["catalogue", "InfusionCompleted"])
    assert told.exit_code == 0, told.output
    assert "scheduling.InfusionCompleted" in told.output
    assert "billing" in told.output
    assert "stopped_at" in told.output
    unknown = CliRunner().invoke(app, ["catalogue", "CoffeeSpilt"])
    assert unknown.exit_code == 1
    assert "no event is called CoffeeSpilt" in unknown.output


@pytest.fixture
async def parked(running: Running) -> str:
    """An event that billing cannot understand; the id under which it is parked."""
    installation = running.installation
    assert installation.kafka is not None
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka.bootstrap_servers)
    await producer.start()
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_type": "scheduling.InfusionCompleted",
        "ce_time": "2027-03-12T16:00:00+00:00",
        "ce_source": "/practice/scheduling",
        "ce_dataschema": "urn:practice:event:scheduling.InfusionCompleted:1",
    }
    await producer.send_and_wait(
        f"{installation.plan.topic_prefix}scheduling",
        b"not json",
        key=uuid4().hex.encode(),
        headers=[(name, value.encode()) for name, value in headers.items()],
    )
    await producer.stop()
    found: list[str] = []
    async with Practice(installation.state()) as practice:

        async def is_parked() -> bool:
            page = await practice.get("billing", "/operations/parked", role=Role.OPS)
            found[:] = [item["parked_id"] for item in page["items"] if item["state"] == "parked"]
            return bool(found)

        await eventually(is_parked)
    return found[-1]


def test_what_is_parked_is_listed_shown_and_discarded_with_a_reason(running: Running, parked: str):
    listed = running.practice("parked", "list")
    assert listed.exit_code == 0, listed.output
    (row,) = [line for line in listed.output.splitlines() if line.startswith(parked)]
    assert "billing" in row
    said = " ".join(listed.output.split())
    assert "scheduling.InfusionCompleted:" in said
    assert "not_json" in said
    shown = running.practice("parked", "show", parked)
    assert "scheduling.InfusionCompleted" in shown.output
    assert "not json" not in shown.output

    again = running.practice("parked", "replay", parked, "--why", "to see it fail")
    assert again.exit_code == 1
    assert again.output.strip() == "It failed again: not_json."

    gone = running.practice("parked", "discard", parked, "--why", "made up for a test")
    assert gone.output.startswith("Discarded in billing."), gone.output
    assert parked not in running.practice("parked", "list").output


def test_an_id_under_which_nothing_is_parked_is_said_to_be_unknown(running: Running):
    told = running.practice("parked", "show", str(uuid4()))
    assert told.exit_code == 1
    assert "see `practice parked list`" in told.output


def test_events_are_offered_again_from_a_moment_on(running: Running):
    told = running.practice(
        "outbox", "replay", "--since", "2027-03-12T00:00:00-07:00", "--from", "scheduling"
    )
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[-1] == "scheduling: 1 event offered again"


@pytest.mark.parametrize(
    ("since", "says"),
    [("yesterday", "not a moment like"), ("2027-03-12T00:00:00", "say the zone")],
)
def test_a_moment_without_a_zone_is_refused(running: Running, since: str, says: str):
    told = running.practice("outbox", "replay", "--since", since)
    assert told.exit_code == 1
    assert says in told.output


@pytest.fixture
def _interrupted_soon() -> Iterator[None]:
    """Ctrl-C after a while, and again, as people do when the first meets a command that starts.

    It is heard as at a terminal, also where the tests run in the background, which ignores it.
    """
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    old = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 6.0, 10.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)
    signal.signal(signal.SIGINT, heard)


@pytest.mark.usefixtures("_interrupted_soon")
def test_events_are_printed_as_they_come_without_names(running: Running):
    told = running.practice(
        "events", "tail", "--from-beginning", "--json", "--patient", running.patient_id
    )
    assert told.exit_code == 130
    (event, *_again) = [json.loads(line) for line in told.output.splitlines()]
    assert event["type"] == "scheduling.PatientRegistered"
    assert event["patient_id"] == running.patient_id
    assert "Canary" not in told.output


@pytest.fixture
async def scheduling_database(running: Running) -> AsyncIterator[AsyncConnection]:
    engine = create_engine(running.installation.databases["scheduling"].url, pool_size=1)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def test_an_audit_log_that_somebody_changed_is_named_with_the_entry(
    running: Running, scheduling_database: AsyncConnection
):
    whole = await asyncio.to_thread(running.practice, "audit", "check")
    assert whole.exit_code == 0, whole.output
    assert [line.split()[:2] for line in whole.output.splitlines()[:4]] == [
        [service, "whole"] for service in SERVICES
    ]
    (kept,) = [line for line in whole.output.splitlines() if "--known scheduling=" in line]

    await scheduling_database.execute(text("UPDATE audit_log SET actor = 'nobody' WHERE seq = 1"))
    await scheduling_database.commit()
    told = await asyncio.to_thread(running.practice, "audit", "check")
    assert told.exit_code == 1
    assert "scheduling wrong from entry 1 on" in " ".join(told.output.split())

    await scheduling_database.execute(text("DELETE FROM audit_log"))
    await scheduling_database.commit()
    cut = await asyncio.to_thread(running.practice, "audit", "check")
    assert cut.exit_code == 0
    missed = await asyncio.to_thread(running.practice, "audit", "check", *kept.split())
    assert missed.exit_code == 1
    assert "scheduling wrong from entry" in " ".join(missed.output.split())


def test_a_head_is_given_as_it_was_printed(running: Running):
    told = running.practice("audit", "check", "--known", "billing=12")
    assert told.exit_code == 1
    assert told.output.startswith("--known billing=12: expected NAME=NUMBER:HASH")


async def test_a_service_that_dies_is_started_again(running: Running):
    child = running.installation.children["pharmacy"]
    before = child.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)

    await eventually(lambda: child.pid != before, within_s=60.0)
    await _ready(running, "pharmacy")
    assert child.restarts == 1


async def test_a_broker_that_dies_ends_what_goes_on_with_a_line_that_says_so(
    postgres: Postgres, tmp_path: Path
):
    plan = Plan(
        tmp_path,
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="+12025550100",
        database_prefix=f"c{uuid4().hex[:8]}_",
    )
    now = datetime(2027, 3, 12, 16, 0, tzinfo=UTC)
    async with Installation(plan, starts_at=now, rate=0, postgres=postgres) as made:
        (broker,) = [
            child
            for child in psutil.Process().children()
            if "deploy.local.kafka_embedded" in child.cmdline()
            and any(str(tmp_path) in file.path for file in child.open_files())
        ]
        broker.kill()
        with pytest.raises(Trouble, match="EmbeddedKafka ended by itself"):
            await made.keep_during(asyncio.sleep(30))


async def test_a_start_where_another_service_listens_ends_with_a_line_that_says_who(
    kafka: Kafka, postgres: Postgres, tmp_path: Path
):
    mark = f"c{uuid4().hex[:8]}"
    plan = Plan(
        tmp_path,
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="+12025550100",
        topic_prefix=f"{mark}.",
        database_prefix=f"{mark}_",
    )
    plan = replace(plan, ports={**plan.ports, "scheduling": plan.ports["pharmacy"]})
    started = Installation(
        plan,
        starts_at=datetime(2027, 3, 12, tzinfo=UTC),
        rate=0,
        kafka=kafka,
        postgres=postgres,
    )
    told = r"(scheduling|pharmacy) does not start: (pharmacy|scheduling) listens at"
    with pytest.raises(Trouble, match=told):
        async with started:
            pass


async def test_a_setting_that_is_wrong_ends_the_start_with_a_line_that_names_it(
    kafka: Kafka, postgres: Postgres, tmp_path: Path
):
    mark = f"c{uuid4().hex[:8]}"
    plan = Plan(
        tmp_path,
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="not a phone",
        topic_prefix=f"{mark}.",
        database_prefix=f"{mark}_",
    )
    started = Installation(
        plan,
        starts_at=datetime(2027, 3, 12, tzinfo=UTC),
        rate=0,
        kafka=kafka,
        postgres=postgres,
    )
    with pytest.raises(Trouble, match="notifications does not start: NOTIFICATIONS_CLINIC_PHONE"):
        async with started:
            pass
    assert started.children == {}
    connection: Any = await postgres.connect()
    try:
        left = await connection.fetch(
            "SELECT datname FROM pg_database WHERE datname LIKE $1", f"{mark}%"
        )
    finally:
        await connection.close()
    assert left == []
