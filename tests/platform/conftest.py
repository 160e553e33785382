"""A small app on a real database."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.auth import Role, Tokens, allow, development_token
from shared.clock import FixedClock
from shared.db import create_engine, migrate
from shared.http.app import build_app
from shared.http.desk import AtDesk
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, UnitOfWork
from shared.telemetry import Metrics
from shared.vault import Vault

SECRET = "not-a-secret-" * 3
VAULT_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()


class Order(BaseModel):
    chair: str
    patient_name: str = ""


class Placed(BaseModel):
    order_id: UUID
    patient_id: UUID | None = None


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.url, pool_size=30)
    await migrate(engine, "none", MetaData())
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE orders (order_id uuid, chair text CHECK (chair <> 'broken'))")
        )
    yield engine
    await engine.dispose()


@pytest.fixture
def app(engine: AsyncEngine) -> FastAPI:
    router = APIRouter()

    @router.post("/orders", dependencies=[allow(Role.FRONT_DESK)])
    async def place(order: Order, desk: AtDesk) -> Any:
        async def decide(tx: Transaction) -> Placed | Refused:
            placed = Placed(order_id=new_id())
            await tx.execute(
                text("INSERT INTO orders VALUES (:id, :chair)"),
                {"id": placed.order_id, "chair": order.chair},
            )
            if order.chair == "taken":
                return Refused.because("chair_taken", "That chair is taken.", field="chair")
            return placed

        return await desk.decide(decide)

    @router.get("/patients/{patient_id}", dependencies=[allow(Role.NURSE)])
    async def read(patient_id: UUID, desk: AtDesk) -> Any:
        async def found(_: Transaction) -> Placed:
            return Placed(order_id=new_id(), patient_id=patient_id)

        return await desk.read(found)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    clock = FixedClock(datetime(2026, 11, 2, 14, 0, tzinfo=UTC))
    return build_app(
        "test",
        unit=UnitOfWork(engine, clock, Handlers("test")),
        tokens=Tokens(SECRET),
        vault=Vault(VAULT_KEYS),
        metrics=Metrics(),
        routers=[router],
        lifespan=lifespan,
    )


def bearer(*roles: Role, subject: str = "staff-1") -> dict[str, str]:
    token = development_token(SECRET, env="development", subject=subject, roles=set(roles))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
