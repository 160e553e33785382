"""A small app on a real database."""

from __future__ import annotations

import base64
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import httpx
import pytest
import sqlalchemy
import structlog
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import MetaData, Text, column, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared import logs
from shared.auth import Role, Tokens, allow, development_token
from shared.clock import FixedClock
from shared.db import create_engine
from shared.http.app import build_app
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, UnitOfWork
from shared.refusals import Broken, unknown
from shared.telemetry import Metrics
from shared.vault import Vault
from tests.support.templates import Templates

SECRET = "not-a-secret-" * 3
CLOCK = FixedClock(datetime(2026, 11, 2, 14, 0, tzinfo=UTC))
VAULT_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()


class Lines(io.StringIO):
    """What was logged."""

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        [line] = self.all()
        return line


@pytest.fixture(autouse=True)
def lines() -> Iterator[Lines]:
    """Logging as a process sets it up, in every test; no line of any test names a patient."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level, out = root.handlers[:], root.level, Lines()
    with warnings.catch_warnings():
        logs.set_up("test", level="info", clock=CLOCK, out=out)
        yield out
        logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook, threading.excepthook = handlers, *hooks
    root.setLevel(level)
    structlog.reset_defaults()
    assert "Canary" not in out.getvalue()


CHAIR_TAKEN = Broken("chair_taken", "That chair is taken.", "the day's plan", "chair")


class Order(BaseModel):
    chair: str
    patient_name: str = ""


class Placed(BaseModel):
    order_id: UUID
    patient_id: UUID | None = None
    patient_name: str = ""


async def place_order(order: Order, tx: Transaction) -> Placed | Refused:
    """Store an order, unless its chair is taken: then say so, though a row was written."""
    placed = Placed(order_id=new_id(), patient_name=order.patient_name)
    await tx.execute(
        text("INSERT INTO orders VALUES (:id, :chair)"),
        {"id": placed.order_id, "chair": order.chair},
    )
    if order.chair == "taken":
        return Refused.by_rules([CHAIR_TAKEN, unknown("visit type")], "The order is not placed")
    return placed


async def find_patient(patient_id: UUID, tx: Transaction) -> Placed | Refused:
    """A patient, unless it is the one with number 404."""
    if patient_id.int == 404:
        return Refused.not_found("patient", "patient_id")
    return Placed(order_id=new_id(), patient_id=patient_id, patient_name="Testa Canary")


async def list_orders(asked: Paging, order: str, tx: Transaction) -> Page[Placed] | Refused:
    orders = sqlalchemy.table("orders", column("order_id", PG_UUID()), column("chair", Text()))
    return await page(
        tx,
        select(orders.c.order_id),
        by=(orders.c.chair, orders.c.order_id),
        asked=asked,
        item=lambda row: Placed(order_id=row.order_id),
        newest_first=order == "newest",
    )


@pytest.fixture
async def database(templates: Templates) -> AsyncIterator[Database]:
    """A database with the backbone's tables, for one test."""
    async with templates.copied("none", MetaData()) as database:
        yield database


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.url, pool_size=30)
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE orders (order_id uuid, chair text CHECK (chair <> 'broken'))")
        )
    yield engine
    await engine.dispose()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def app_of(*routers: APIRouter, engine: AsyncEngine, metrics: Metrics) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    return build_app(
        "test",
        unit=UnitOfWork(engine, CLOCK, Handlers("test")),
        tokens=Tokens(SECRET, env="development"),
        vault=Vault(VAULT_KEYS),
        metrics=metrics,
        routers=routers,
        lifespan=lifespan,
    )


@pytest.fixture
def app(engine: AsyncEngine, metrics: Metrics) -> FastAPI:
    router = APIRouter()

    @router.post("/orders", dependencies=[allow(Role.FRONT_DESK)])
    async def place(order: Order, desk: AtDesk, room: str | None = None) -> Placed:
        """Order a chair.

        It is taken at once.
        """
        assert room is None or room
        return await desk.decide(place_order, order)

    @router.get("/orders", dependencies=[allow(Role.FRONT_DESK)])
    async def listed(
        desk: AtDesk, asked: AskedPage, order: Literal["oldest", "newest"] = "oldest"
    ) -> Page[Placed]:
        return await desk.read(list_orders, asked, order)

    @router.get("/patients/{patient_id}", dependencies=[allow(Role.NURSE)])
    async def read(patient_id: UUID, desk: AtDesk) -> Placed:
        return await desk.read(find_patient, patient_id, purpose="treatment")

    return app_of(router, engine=engine, metrics=metrics)


def bearer(*roles: Role, subject: str = "staff-1") -> dict[str, str]:
    token = development_token(SECRET, env="development", subject=subject, roles=set(roles))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
