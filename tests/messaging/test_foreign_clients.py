"""Programs that are not ours read our events, with the headers that the contract documents."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Consumer
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.scheduling import PatientRegistered
from shared.messaging import Handlers
from tests.messaging.conftest import scalar
from tests.messaging.records import START, registered
from tests.support.eventually import eventually
from tests.support.topics import Topics

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def said(run_service: Any, engine: AsyncEngine) -> PatientRegistered:
    """One event, published by our relay."""
    service = await run_service(Handlers("scheduling"))
    event = registered()
    async with service.work.transaction(traceparent=TRACEPARENT) as tx:
        tx.publish(event)

    async def published() -> None:
        assert await scalar(engine, "SELECT count(*) FROM event_log") == 1

    await eventually(published)
    return event


def assert_documented(
    event: PatientRegistered, key: str, headers: dict[str, str], value: str
) -> None:
    """CloudEvents 1.0 in Kafka's binary binding."""
    assert key == str(event.patient_id)
    assert json.loads(value) == {
        "patient_id": str(event.patient_id),
        "registered_at": "2026-11-02T14:00:00Z",
    }
    for name in ("ce_id", "ce_correlationid"):
        assert UUID(headers.pop(name)).version == 7
    assert headers == {
        "ce_specversion": "1.0",
        "ce_source": "/practice/scheduling",
        "ce_type": "scheduling.PatientRegistered",
        "ce_time": START.isoformat(),
        "ce_subject": str(event.patient_id),
        "ce_dataschema": "urn:practice:event:scheduling.PatientRegistered:1",
        "content-type": "application/json",
        "traceparent": TRACEPARENT,
    }


async def test_kcat_prints_an_event_with_its_headers(
    said: PatientRegistered, topics: Topics
) -> None:
    kcat = shutil.which("kcat")
    if kcat is None:
        pytest.skip("kcat is not installed: nobody but our own clients has read the events")
    process = await asyncio.create_subprocess_exec(
        kcat,
        *("-C", "-e", "-q", "-b", topics.bootstrap_servers, "-t", topics.name("scheduling")),
        *("-o", "beginning", "-f", "%k\\t%h\\t%s\\n"),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    [line] = out.decode().splitlines()
    key, headers, value = line.split("\t")
    pairs = dict(pair.partition("=")[::2] for pair in headers.split(","))
    assert_documented(said, key, pairs, value)


async def test_the_confluent_client_reads_an_event_with_its_headers(
    said: PatientRegistered, topics: Topics
) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": topics.bootstrap_servers,
            "group.id": topics.prefix + "another-team",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topics.name("scheduling")])
    try:
        message = await asyncio.to_thread(consumer.poll, 20.0)
        assert message is not None
        assert message.error() is None
        headers = {name: _text(value) for name, value in dict(message.headers() or {}).items()}
        assert_documented(said, _text(message.key()), headers, _text(message.value()))
    finally:
        consumer.close()


def _text(raw: str | bytes | None) -> str:
    assert isinstance(raw, bytes)
    return raw.decode()
