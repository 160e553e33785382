"""One trace, one correlation id: from a request through the outbox to the last effect elsewhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import telemetry
from shared.auth import Tokens, public
from shared.clock import FixedClock
from shared.events.billing import CardSaved
from shared.events.scheduling import PatientRegistered
from shared.http.app import build_app
from shared.ids import new_id
from shared.messaging import Fact, Handlers, Transaction, UnitOfWork, Work
from shared.messaging.runtime import Runtime
from shared.telemetry import Metrics
from shared.vault import Vault
from tests.messaging.conftest import scalar
from tests.messaging.records import START, registered
from tests.platform.conftest import SECRET, VAULT_KEYS, Lines
from tests.platform.conftest import lines as lines  # noqa: PLC0414  # a fixture: what is logged, as a process logs it
from tests.support.eventually import eventually

log = structlog.get_logger(__name__)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = PARENT.split("-")[1]


class SaveCard(Work):
    patient_id: UUID


class Thank(Work):
    patient_id: UUID


class Saved(Fact):
    patient_id: UUID


class Processor(Protocol):
    async def save(self, patient_id: UUID) -> None: ...


class Processing:
    async def save(self, patient_id: UUID) -> None:
        """The outside call; what it does is of no concern here."""


def billing() -> Handlers:
    """Hears a patient, makes a call, stores its outcome, and thanks an hour later."""
    on = Handlers("billing")

    @on.event(PatientRegistered)
    async def note_patient(event: PatientRegistered, tx: Transaction) -> None:
        log.info("noted", kind="event")
        tx.do(SaveCard(patient_id=event.patient_id))

    @on.work(SaveCard, calls=Processor)
    async def save_card(work: SaveCard, processor: Processor) -> Saved:
        log.info("noted", kind="work")
        await processor.save(work.patient_id)
        return Saved(patient_id=work.patient_id)

    @on.outcome(Saved)
    async def record_card(saved: Saved, tx: Transaction) -> None:
        log.info("noted", kind="outcome")
        tx.do(Thank(patient_id=saved.patient_id), due=START + timedelta(hours=1))

    @on.due(Thank)
    async def thank(work: Thank, tx: Transaction) -> None:
        log.info("noted", kind="timer")
        tx.publish(CardSaved(patient_id=work.patient_id, card_id=new_id(), saved_at=tx.now))

    return on


def scheduling_app(unit: UnitOfWork) -> FastAPI:
    """A request that registers a patient."""
    router = APIRouter()

    @router.post("/patients", status_code=204, dependencies=[public("a test's own route")])
    async def register(request: Request) -> None:
        async with request.app.state.unit.transaction(
            correlation_id=request.state.correlation_id, traceparent=request.state.traceparent
        ) as tx:
            tx.publish(registered())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    return build_app(
        "scheduling",
        unit=unit,
        tokens=Tokens(SECRET, env="development"),
        vault=Vault(VAULT_KEYS),
        metrics=Metrics(),
        routers=[router],
        lifespan=lifespan,
    )


@pytest.fixture(params=[True, False], ids=["spans written", "ids only"])
def trace_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | None]:
    path = tmp_path / "trace.jsonl" if request.param else None
    telemetry.set_up_tracing("test", path)
    yield path
    telemetry.stop_tracing()


async def test_one_trace_and_one_correlation_id_lead_from_a_request_to_its_last_effect(
    run_service: Any, engine: AsyncEngine, clock: FixedClock, trace_file: Path | None, lines: Lines
) -> None:
    processor = telemetry.measured(Processing(), "Processor", Metrics())
    scheduling: Runtime = await run_service(Handlers("scheduling"))
    await run_service(billing(), gateways={Processor: processor})
    correlation_id = str(new_id())
    transport = httpx.ASGITransport(app=scheduling_app(scheduling.work))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        headers = {"traceparent": PARENT, "X-Correlation-Id": correlation_id}
        assert (await client.post("/patients", headers=headers)).status_code == 204
    await eventually(lambda: _thanks_wait(engine))
    clock.step(timedelta(hours=1))

    async def said() -> None:
        assert await scalar(engine, "SELECT count(*) FROM event_log") == 2

    await eventually(said)
    noted = {
        line["kind"]: line.get("correlation_id") for line in lines.all() if line["event"] == "noted"
    }
    assert noted == dict.fromkeys(("event", "work", "outcome", "timer"), correlation_id)
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT headers FROM event_log ORDER BY seq"))
        [first, last] = rows.scalars()
    assert {one["ce_correlationid"] for one in (first, last)} == {correlation_id}
    assert {one["traceparent"].split("-")[1] for one in (first, last)} == {TRACE}
    if trace_file is not None:
        _is_one_chain(trace_file, last["traceparent"])


async def _thanks_wait(engine: AsyncEngine) -> None:
    assert await scalar(engine, "SELECT kind FROM due_work WHERE state = 'waiting'") == "Thank"


def _is_one_chain(trace_file: Path, last: str) -> None:
    """request > event > work > (call, timer), and what was said last hangs on the timer."""
    telemetry.stop_tracing()
    spans = {one["name"]: one for one in map(json.loads, trace_file.read_text().splitlines())}
    assert {one["context"]["trace_id"] for one in spans.values()} == {f"0x{TRACE}"}

    by_id = {one["context"]["span_id"]: name for name, one in spans.items()}
    parents = {name: one["parent_id"] for name, one in spans.items()}
    assert {name: by_id.get(parent, parent) for name, parent in parents.items()} == {
        "http_request": f"0x{PARENT.split('-')[2]}",
        "event": "http_request",
        "work": "event",
        "gateway_call": "work",
        "timer": "work",
    }
    assert spans["timer"]["context"]["span_id"] == f"0x{last.split('-')[2]}"
    assert spans["event"]["attributes"] == {"kind": PatientRegistered.type_name}
    assert spans["work"]["attributes"] == {"kind": "SaveCard"}
