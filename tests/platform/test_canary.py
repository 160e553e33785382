"""A made-up patient goes through every door of a service and shows up nowhere she should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import telemetry
from shared.auth import Role, allow, public
from shared.errors import Poison
from shared.http.desk import AtDesk
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.telemetry import Metrics
from tests.platform.conftest import Lines, Order, Placed, bearer

NAME = "Testa Canary"
PHONE = "+1 202-555-0147"
MARKS = ("Canary", "555-0147", "canary@example.org", "1979-05-17", "Dysthymia")
PATIENT = " ".join((NAME, PHONE, *MARKS))
DESK = bearer(Role.FRONT_DESK)


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Callable[[], str]]:
    path = tmp_path / "trace.jsonl"
    telemetry.set_up_tracing("test", path)
    yield path.read_text
    telemetry.stop_tracing()


@pytest.fixture
def leaky(app: FastAPI) -> FastAPI:
    """Routes that make every mistake with what a patient typed, except to answer it."""
    router = APIRouter()

    async def breaks_a_check(order: Order, tx: Transaction) -> Placed:
        await tx.execute(text("INSERT INTO notes VALUES (:name)"), {"name": order.patient_name})
        raise AssertionError("the check refuses it")

    async def quotes(order: Order, _: Transaction) -> Refused:
        raise Poison("bad_name", order.patient_name)

    @router.post("/notes", dependencies=[allow(Role.FRONT_DESK)])
    async def note(order: Order, desk: AtDesk) -> Placed:
        return await desk.decide(breaks_a_check, order)

    @router.post("/quotes", dependencies=[allow(Role.FRONT_DESK)])
    async def quote(order: Order, desk: AtDesk) -> Placed:
        return await desk.decide(quotes, order)

    @router.get("/search/{name}", dependencies=[public("a test")])
    async def search(name: str, phone: str = "") -> int:
        raise LookupError(name + phone)

    app.include_router(router)
    return app


async def every_table(engine: AsyncEngine) -> str:
    async with engine.connect() as connection:
        names = await connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        found: list[Any] = []
        for (name,) in names.all():
            rows = await connection.execute(text(f"SELECT t::text FROM {name} t"))
            found += rows.all()
        return str(found)


async def test_a_canary_patient_shows_up_in_no_log_trace_metric_table_or_problem(
    leaky: FastAPI, engine: AsyncEngine, lines: Lines, trace: Callable[[], str], metrics: Metrics
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE notes (name text CHECK (name = ''))"))
    transport = httpx.ASGITransport(app=leaky)
    order = {"chair": "a", "patient_name": PATIENT}
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        problems = [
            await client.post("/notes", json=order, headers=DESK | {"Idempotency-Key": "n"}),
            await client.post("/quotes", json=order, headers=DESK | {"Idempotency-Key": "q"}),
            await client.get(f"/search/{PATIENT}", params={"phone": PHONE}),
            await client.get(f"/patients/{PATIENT}", headers=bearer(Role.NURSE)),
            await client.get("/orders", params={"cursor": PATIENT}, headers=DESK),
            await client.get(f"/{PATIENT}", params={PATIENT: PATIENT}),
            await client.post("/orders", content=PATIENT, headers=DESK),
            await client.post("/orders", json=order, headers=DESK | {"Idempotency-Key": PATIENT}),
            await client.get("/orders", headers={"Authorization": f"Bearer {PATIENT}"}),
            await client.get("/orders", headers={"traceparent": f"00-{NAME:<32}-{'1' * 16}-01"}),
            await client.get("/orders", headers={"X-Correlation-Id": PATIENT, "Cookie": PATIENT}),
        ]
        kept = await client.post("/orders", json=order, headers=DESK | {"Idempotency-Key": "k"})
    assert kept.json()["patient_name"] == PATIENT  # who may see her does
    assert min(problem.status_code for problem in problems) >= 400
    telemetry.stop_tracing()
    shown = {
        "problems": "".join(problem.text + str(problem.headers) for problem in problems),
        "logs": lines.getvalue(),
        "trace": trace(),
        "metrics": generate_latest(metrics.registry).decode(),
        "tables": await every_table(engine),
    }
    assert all(shown.values())
    found = [
        (where, mark)
        for where, said in shown.items()
        for mark in MARKS
        if mark in said or mark.encode().hex() in said
    ]
    assert found == []
