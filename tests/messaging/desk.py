"""The desk of whoever looks after a service: its routes under `/operations`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from shared.auth import Role, Tokens
from shared.http.app import build_app
from shared.messaging.operations import operations_routes
from shared.messaging.runtime import Runtime
from shared.telemetry import Metrics
from shared.vault import Vault
from tests.platform.conftest import SECRET, VAULT_KEYS, bearer


@asynccontextmanager
async def operator(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever looks after the service, at its HTTP routes."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = build_app(
        "listener",
        unit=runtime.work,
        tokens=Tokens(SECRET, env="development"),
        vault=Vault(VAULT_KEYS),
        metrics=Metrics(),
        routers=[operations_routes(runtime)],
        lifespan=lifespan,
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=bearer(Role.OPS)
    ) as client:
        yield client
