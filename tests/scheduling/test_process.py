"""The service as a process of its own: migrated, started, asked over HTTP, heard on Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.postgres import Database
from shared.claims import SchedulingClaims
from shared.clock import RunClock
from shared.db import create_engine
from shared.events import REGISTRY
from tests.scheduling.conftest import NOW, SECRET, VAULT_KEYS, Clinic, every
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics


def environment(database: Database, topics: Topics, clock: Path) -> dict[str, str]:
    return {
        "PRACTICE_ENV": "development",
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "PRACTICE_TOPIC_PREFIX": topics.prefix,
        "PRACTICE_CLOCK_FILE": str(clock),
        "PRACTICE_VAULT_KEYS": VAULT_KEYS,
        "PRACTICE_TOKEN_SECRET": SECRET,
        "SCHEDULING_DATABASE_URL": database.url,
    }


@pytest.fixture
async def process(
    database: Database, topics: Topics, tmp_path: Path
) -> AsyncIterator[tuple[str, RunClock]]:
    """Scheduling, migrated and ready: its address and its clock."""
    clock = RunClock.create(tmp_path / "clock", starts_at=NOW, rate=0)
    env = environment(database, topics, tmp_path / "clock")
    service = ServiceProcess("services.scheduling", "SCHEDULING", env, tmp_path / "log")
    service.migrate()
    service.start_as_deployed()
    await service.until_ready()
    yield service.url, clock
    service.stop()
    assert "Canary" not in service.log.read_text()


async def heard(topics: Topics, count: int) -> list[Any]:
    """The first records on scheduling's topic."""
    consumer = AIOKafkaConsumer(
        topics.name("scheduling"),
        bootstrap_servers=topics.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_series_is_lived_through_and_heard_in_order(
    process: tuple[str, RunClock], database: Database, topics: Topics
) -> None:
    url, clock = process
    engine = create_engine(database.url)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        clinic = Clinic(client, clock, engine)
        await clinic.open()
        series = await clinic.series(every(2, 6))
        for visit in series["appointments"]:
            last = await clinic.infuse(visit)
            await clinic.discharge(visit)
    await engine.dispose()

    claims = SchedulingClaims(url, service="billing", token_secret=SECRET)
    record = await claims.infusion(UUID(last["infusion_id"]), purpose="superbill")
    assert record.stopped_at - record.started_at == timedelta(minutes=40)
    assert (await claims.series(UUID(series["series_id"]), purpose="prescription")).patient
    await claims._client.aclose()

    records = await heard(topics, 1 + 1 + 6 + 6 * 5 + 1)
    kinds = [dict(record.headers)["ce_type"].decode() for record in records]
    life = ["RideConfirmed", "PatientCheckedIn", "InfusionStarted", "InfusionCompleted"]
    course = [*life, "PatientDischarged"] * 6
    course.insert(-1, "SeriesCompleted")
    expected = ["PatientRegistered", "SeriesBooked", *["AppointmentBooked"] * 6, *course]
    assert [kind.removeprefix("scheduling.") for kind in kinds] == expected
    assert {record.key.decode() for record in records} == {series["patient_id"]}
    for kind, record in zip(kinds, records, strict=True):
        REGISTRY[kind].model_validate_json(record.value)
        assert b"Canary" not in record.value


async def test_a_full_collection_of_garbage_looks_past_what_a_process_starts_with(
    database: Database, topics: Topics, tmp_path: Path
) -> None:
    """Else everybody waits while it walks over all that was imported."""
    RunClock.create(tmp_path / "clock", starts_at=NOW, rate=0)
    env = environment(database, topics, tmp_path / "clock")
    counted = ServiceProcess("tests.support.counted", "SCHEDULING", env, tmp_path / "log")
    ServiceProcess("services.scheduling", "SCHEDULING", env, tmp_path / "log").migrate()
    counted.start_as_deployed()
    await counted.until_ready()
    found = (await counted.get("/counted")).json()
    counted.stop()
    assert found["set_apart"] > 10 * found["looked_at"], found


def test_a_missing_setting_stops_the_start_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    service = ServiceProcess("services.scheduling", "X", {"PRACTICE_ENV": "development"}, log)
    assert service.start_as_deployed().wait(30) == 78
    [line] = log.read_text().splitlines()
    assert "PRACTICE_KAFKA_BOOTSTRAP_SERVERS is not set" in line
