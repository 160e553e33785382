"""Billing's own process for a test, what it hears on Kafka and what it says there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from deploy.local.processes import free_port
from shared.clock import RunClock
from shared.db import create_engine
from shared.events import Event
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from tests.billing.conftest import STARTS_AT, Billing, environment
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics


def at_rest(
    database: Database,
    clock_file: Path,
    world: OutsideWorld,
    scheduling_url: str,
    topics: Topics,
    folder: Path,
) -> ServiceProcess:
    """Billing on everything real, to be started, killed and started again."""
    port = free_port()
    settings = environment(database, clock_file, world, scheduling_url, port) | {
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "PRACTICE_TOPIC_PREFIX": topics.prefix,
        "PRACTICE_TRACE_FILE": str(folder / "trace.jsonl"),
        "PRACTICE_CONSUMER_SESSION_S": "2",
    }
    process = ServiceProcess("services.billing", "BILLING", settings, folder / "log", port)
    process.migrate()
    return process


@asynccontextmanager
async def elsewhere(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: ClaimDesk,
    topics: Topics,
    folder: Path,
) -> AsyncIterator[tuple[ServiceProcess, Billing, AsyncEngine]]:
    """Billing as a process that is not started yet, its clinic, and its database."""
    _, clock, clock_file = running_world
    process = at_rest(database, clock_file, world, scheduling.url, topics, folder)
    engine = create_engine(database.url)
    async with httpx.AsyncClient(base_url=process.url, timeout=20, trust_env=False) as http:
        clinic = Billing(None, process.url, http, world, clock, scheduling)  # type: ignore[arg-type]  # it runs elsewhere
        yield process, clinic, engine
    process.stop()
    await engine.dispose()


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
