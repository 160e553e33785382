"""The process as it is deployed: real Kafka in and out, and a patient who shows up nowhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.postgres import Database
from deploy.local.processes import end_process, free_port, last_lines, start_process
from shared.clock import RunClock
from shared.events.billing import SuperbillIssued
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from tests.billing.conftest import Billing, MadeUpScheduling, environment, seen_by_stripe
from tests.billing.records import CANARIES
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.topics import Topics


@pytest.fixture
def process(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: MadeUpScheduling,
    topics: Topics,
    tmp_path: Path,
) -> Iterator[tuple[str, Path]]:
    """`python -m services.billing` on everything real; its address, and the folder of its log."""
    port = free_port()
    settings = environment(database, running_world[2], world, scheduling.url, port) | {
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "PRACTICE_TOPIC_PREFIX": topics.prefix,
        "PRACTICE_TRACE_FILE": str(tmp_path / "trace.jsonl"),
    }
    command = [sys.executable, "-m", "services.billing"]
    migrated = start_process([*command, "migrate"], log=tmp_path / "log", env=settings)
    assert migrated.wait(60) == 0, last_lines(tmp_path / "log")
    running = start_process(command, log=tmp_path / "log", env=settings)
    world.notify(stripe=f"http://127.0.0.1:{port}/webhooks/stripe")
    yield f"http://127.0.0.1:{port}", tmp_path
    world.notify(stripe=None)
    end_process(running)


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


async def test_one_infusion_from_kafka_to_kafka_and_a_canary_patient_who_is_seen_nowhere(
    process: tuple[str, Path],
    running_world: tuple[OutsideWorld, RunClock, Path],
    scheduling: MadeUpScheduling,
    topics: Topics,
):
    url, folder = process
    world, clock, _ = running_world
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http:
        billing = Billing(None, url, http, world, clock, scheduling)  # type: ignore[arg-type]  # it runs elsewhere

        async def is_ready() -> None:
            ready = await http.get("/health/ready")
            assert ready.status_code == 200, ready.text

        async def listens() -> bool:
            try:
                return (await http.get("/health/live")).is_success
            except httpx.TransportError:
                return False

        await eventually(listens, within_s=30)
        await eventually(is_ready, within_s=30)
        patient = new_id()
        await billing.set_fee()
        await billing.save_card(patient)
        event = billing.complete(patient)
        producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
        await producer.start()
        for _ in range(3):
            headers = headers_of(
                event,
                event_id=new_id(),
                at=clock.now(),
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
        await producer.stop()

        async def is_issued() -> bool:
            return (await billing.only_charge(patient))["superbill_id"] is not None

        await eventually(lambda: billing.charges(patient), within_s=30)
        await eventually(is_issued, within_s=30)

        async def is_told() -> bool:
            types = [dict(one.headers)["ce_type"] for one in await everything_said(topics)]
            return SuperbillIssued.type_name.encode() in types

        await eventually(is_told, within_s=20)
        metrics = (await http.get("/metrics")).text
        broken = await http.get("/superbills/Canary", headers={"Authorization": "Bearer Canary"})

    traces = folder / "trace.jsonl"
    await eventually(traces.read_text, within_s=15)  # spans are written in batches
    records = await everything_said(topics)
    types = [dict(one.headers)["ce_type"].decode().removeprefix("billing.") for one in records]
    assert types == ["CardSaved", "ChargePosted", "PaymentCaptured", "SuperbillIssued"]
    assert {one.key for one in records} == {str(patient).encode()}
    assert billing.money_taken() == [39900]
    shown = {
        "topic": "".join(f"{one.headers}{one.value}" for one in records),
        "log": (folder / "log").read_text(),
        "traces": traces.read_text(),
        "metrics": metrics,
        "stripe": seen_by_stripe(world),
        "errors": broken.text,
    }
    for place, content in shown.items():
        assert content, place
        assert [mark for mark in CANARIES if mark in content] == [], place


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
