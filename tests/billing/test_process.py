"""The process as it is deployed: real Kafka in and out, and a patient who shows up nowhere."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from deploy.local.processes import free_port, start_process
from shared.clock import RunClock
from shared.db import create_engine
from shared.events import Event
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from tests.billing.conftest import (
    STARTS_AT,
    Billing,
    environment,
    seen_by_stripe,
)
from tests.billing.records import CANARIES
from tests.support import leases
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics


class Process(ServiceProcess):
    """Billing on everything real, to be started, killed and started again."""

    def start_to_die(self, kill_at: str) -> None:
        """Start it so that it dies there (see `tests.billing.armed`)."""
        self.start(module="tests.billing.armed", KILL_AT=kill_at)


@pytest.fixture
def process(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: ClaimDesk,
    topics: Topics,
    tmp_path: Path,
) -> Iterator[Process]:
    port = free_port()
    settings = environment(database, running_world[2], world, scheduling.url, port) | {
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "PRACTICE_TOPIC_PREFIX": topics.prefix,
        "PRACTICE_TRACE_FILE": str(tmp_path / "trace.jsonl"),
        "PRACTICE_CONSUMER_SESSION_S": "2",
    }
    process = Process("services.billing", "BILLING", settings, tmp_path / "log", port)
    process.migrate()
    process.start()
    world.notify(stripe=f"{process.url}/webhooks/stripe")
    yield process
    world.notify(stripe=None)
    process.stop()


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """The database, past the process."""
    engine = create_engine(database.url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def clinic(
    process: Process,
    running_world: tuple[OutsideWorld, RunClock, Path],
    scheduling: ClaimDesk,
) -> AsyncIterator[Billing]:
    """The clinic at the API of that process."""
    await process.until_ready()
    world, clock, _ = running_world
    async with httpx.AsyncClient(base_url=process.url, timeout=10, trust_env=False) as http:
        yield Billing(None, process.url, http, world, clock, scheduling)  # type: ignore[arg-type]  # it runs elsewhere


async def publish(topics: Topics, event: Event, *, times: int = 1) -> None:
    """What scheduling does, each time with an id of its own."""
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
    await producer.start()
    try:
        for _ in range(times):
            headers = headers_of(
                event,
                event_id=new_id(),
                at=STARTS_AT,
                correlation_id=new_id(),
                causation_id=None,
                traceparent=None,
            )
            await producer.send_and_wait(
                topics.name("scheduling"),
                key=event.key.encode(),
                value=event.model_dump_json().encode(),
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
    finally:
        await producer.stop()


async def everything_said(topics: Topics) -> list[Any]:
    """All records of billing's topic so far."""
    consumer = AIOKafkaConsumer(
        topics.name("billing"),
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        while len(records) < sum(ends.values()):
            found = await consumer.getmany(timeout_ms=500)
            records += [record for batch in found.values() for record in batch]
        return records
    finally:
        await consumer.stop()


def types_of(records: list[Any]) -> list[str]:
    return [dict(one.headers)["ce_type"].decode().removeprefix("billing.") for one in records]


async def until_superbill_is_told(clinic: Billing, topics: Topics, patient: UUID) -> list[Any]:
    """All records of billing's topic, once the superbill's is among them."""
    records: list[Any] = []

    async def is_told() -> bool:
        records[:] = await everything_said(topics)
        return "SuperbillIssued" in types_of(records)

    await eventually(lambda: clinic.charges(patient), within_s=30)
    await eventually(is_told, within_s=60)
    return records


async def test_one_infusion_from_kafka_to_kafka_and_a_canary_patient_who_is_seen_nowhere(
    process: Process, clinic: Billing, topics: Topics
):
    patient = new_id()
    await clinic.set_fee()
    await clinic.save_card(patient)

    await publish(topics, clinic.complete(patient), times=3)
    records = await until_superbill_is_told(clinic, topics, patient)

    assert types_of(records) == ["CardSaved", "ChargePosted", "PaymentCaptured", "SuperbillIssued"]
    assert {one.key for one in records} == {str(patient).encode()}
    assert clinic.money_taken() == [39900]
    traces = process.log.with_name("trace.jsonl")
    await eventually(traces.read_text, within_s=15)  # spans are written in batches
    wrong = {"Authorization": "Bearer Canary"}
    shown = {
        "topic": "".join(f"{one.headers}{one.value}" for one in records),
        "log": process.log.read_text(),
        "traces": traces.read_text(),
        "metrics": (await clinic.http.get("/metrics")).text,
        "stripe": seen_by_stripe(clinic.world),
        "errors": (await clinic.http.get("/superbills/Canary", headers=wrong)).text,
    }
    for place, content in shown.items():
        assert content, place
        assert [mark for mark in CANARIES if mark in content] == [], place


async def test_a_process_that_is_killed_while_stripe_works_charges_once_when_it_is_back(
    process: Process, clinic: Billing, topics: Topics, engine: AsyncEngine
):
    patient = new_id()
    await clinic.set_fee()
    await clinic.save_card(patient)
    clinic.world.notify(stripe=None)  # no webhook helps
    clinic.world.fault("stripe", "slow", "POST /v1/payment_intents", ms=2000)

    await publish(topics, clinic.complete(patient))
    await eventually(
        lambda: any(key["status"] is None for key in clinic.at_stripe("idempotency_keys")),
        within_s=30,
        every_s=0.02,
    )
    process.kill()
    await eventually(lambda: clinic.money_taken() == [39900])
    assert await leases.run_out(engine)
    process.start()
    await process.until_ready()
    records = await until_superbill_is_told(clinic, topics, patient)

    assert types_of(records).count("PaymentCaptured") == 1
    assert (await clinic.only_charge(patient))["state"] == "paid"
    assert clinic.money_taken() == [39900]
    assert len(clinic.at_stripe("payment_intents")) == 1


@pytest.mark.parametrize(
    "kill_at",
    [
        "before create_customer",
        "after create_customer",
        "before create_setup",
        "after create_setup",
    ],
)
async def test_a_process_that_is_killed_around_a_card_set_up_makes_each_thing_once(
    process: Process, clinic: Billing, engine: AsyncEngine, kill_at: str
):
    patient, key = new_id(), str(new_id())
    path = f"/patients/{patient}/card-setups"
    process.kill()
    process.start_to_die(kill_at)
    await process.until_ready()
    with contextlib.suppress(httpx.TransportError):  # it may die before it answers
        await clinic.ask("POST", path, {}, key=key)
    await eventually(lambda: process.died_by_kill, within_s=15)

    assert await leases.run_out(engine)
    process.start()
    await process.until_ready()
    started = (await clinic.ask("POST", path, {}, key=key)).json()

    async def is_ready() -> bool:
        shown = await clinic.told("GET", f"{path}/{started['setup_id']}")
        return bool(shown["state"] == "ready")

    await eventually(is_ready, within_s=15)
    await clinic.save_card(patient)  # by another set-up
    assert len(clinic.at_stripe("customers")) == 1
    marks = [one["metadata"]["setup_id"] for one in clinic.at_stripe("setup_intents")]
    assert len(marks) == len(set(marks)) == 2


@pytest.mark.parametrize("kill_at", ["before capture", "after capture"])
async def test_a_process_that_is_killed_around_a_capture_charges_once(
    process: Process, clinic: Billing, topics: Topics, engine: AsyncEngine, kill_at: str
):
    patient = new_id()
    await clinic.set_fee()
    await clinic.save_card(patient)
    clinic.world.notify(stripe=None)  # no webhook helps
    process.kill()
    process.start_to_die(kill_at)
    await process.until_ready()
    await publish(topics, clinic.complete(patient))
    await eventually(lambda: process.died_by_kill, within_s=30)

    assert await leases.run_out(engine)
    process.start()
    await process.until_ready()
    records = await until_superbill_is_told(clinic, topics, patient)

    assert types_of(records).count("PaymentCaptured") == 1
    assert clinic.money_taken() == [39900]
    assert len(clinic.at_stripe("payment_intents")) == 1


def test_a_process_that_is_not_configured_stops_in_one_line_without_secrets(
    running_world: tuple[OutsideWorld, RunClock, Path], database: Database, tmp_path: Path
):
    settings = environment(database, running_world[2], running_world[0], "http://127.0.0.1:1", 9)
    settings |= {"BILLING_STRIPE_WEBHOOK_SECRET": "not_a_secret_of_stripe"}
    settings |= {"BILLING_STRIPE_KEY": "pk_test_the_wrong_one"}
    process = start_process(
        [sys.executable, "-m", "services.billing"], log=tmp_path / "log", env=settings
    )
    assert process.wait(30) == 78
    [line] = (tmp_path / "log").read_text().splitlines()
    assert "BILLING_STRIPE_KEY: must be" in line
    assert "BILLING_STRIPE_WEBHOOK_SECRET: must be" in line
    assert "pk_test" not in line
    assert "not_a_secret" not in line


async def test_stripe_is_told_random_ids_and_amounts_and_nothing_else(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient, "pm_card_chargeCustomerFail")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    [customer] = billing.at_stripe("customers")
    [intent] = billing.at_stripe("payment_intents")
    [setup] = billing.at_stripe("setup_intents")
    charge = await billing.only_charge(patient)
    assert customer["metadata"] == {"patient_id": str(patient)}
    assert intent["metadata"] == {"attempt_id": charge["attempts"][0]["attempt_id"]}
    assert list(setup["metadata"]) == ["setup_id"]
    said = [customer[name] for name in ("name", "email", "phone", "description")]
    said += [intent[name] for name in ("description", "receipt_email", "statement_descriptor")]
    said += [intent["statement_descriptor_suffix"], intent["shipping"], setup["description"]]
    assert set(said) == {None}
    assert [mark for mark in CANARIES if mark in json.dumps(billing.world.state()["stripe"])] == []
