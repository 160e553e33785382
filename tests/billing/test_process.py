"""The process as it is deployed: real Kafka in and out, and a patient who shows up nowhere."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from deploy.local.processes import start_process
from shared.clock import RunClock
from shared.db import create_engine
from shared.ids import new_id
from tests.billing.conftest import (
    Billing,
    environment,
    seen_by_stripe,
)
from tests.billing.process import at_rest, publish, types_of, until_superbill_is_told
from tests.billing.records import CANARIES
from tests.support import leases
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics


@pytest.fixture
def process(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: ClaimDesk,
    topics: Topics,
    tmp_path: Path,
) -> Iterator[ServiceProcess]:
    process = at_rest(database, running_world[2], world, scheduling.url, topics, tmp_path)
    process.start_as_deployed()
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
    process: ServiceProcess,
    running_world: tuple[OutsideWorld, RunClock, Path],
    scheduling: ClaimDesk,
) -> AsyncIterator[Billing]:
    """The clinic at the API of that process."""
    await process.until_ready()
    world, clock, _ = running_world
    async with httpx.AsyncClient(base_url=process.url, timeout=10, trust_env=False) as http:
        yield Billing(None, process.url, http, world, clock, scheduling)  # type: ignore[arg-type]  # it runs elsewhere


async def test_one_infusion_from_kafka_to_kafka_and_a_canary_patient_who_is_seen_nowhere(
    process: ServiceProcess, clinic: Billing, topics: Topics
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
    process: ServiceProcess, clinic: Billing, topics: Topics, engine: AsyncEngine
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
    process.start_as_deployed()
    await process.until_ready()
    records = await until_superbill_is_told(clinic, topics, patient)

    assert types_of(records).count("PaymentCaptured") == 1
    assert (await clinic.only_charge(patient))["state"] == "paid"
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
