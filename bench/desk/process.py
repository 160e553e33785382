"""Scheduling as a process of its own, asked over HTTP as the front desk asks it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx

from bench.ground import Ground
from bench.served import served
from deploy.local.postgres import Database
from deploy.local.processes import free_port
from services.scheduling.tables import Base
from shared.auth import Role, development_token
from shared.ids import new_id

_SECRET = "not-a-secret-" * 3
_VAULT_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()
_ROLES = {Role.FRONT_DESK, Role.OPS}


@dataclass(frozen=True, slots=True)
class Desk:
    """One process and its database."""

    http: httpx.AsyncClient
    database: Database

    async def post(self, path: str, body: object) -> dict[str, Any]:
        """What it answers. Raises `httpx.HTTPStatusError` for a refusal."""
        answer = await self.send(path, body)
        answer.raise_for_status()
        return dict(answer.json())

    async def send(self, path: str, body: object) -> httpx.Response:
        """Its answer, whatever it is."""
        return await self.http.post(path, json=body, headers={"Idempotency-Key": str(new_id())})

    async def seconds_to_read(self, path: str, **query: object) -> tuple[float, dict[str, Any]]:
        """How long a page took, and what it says."""
        began = perf_counter()
        answer = await self.http.get(path, params={k: str(v) for k, v in query.items()})
        took_s = perf_counter() - began
        answer.raise_for_status()
        return took_s, dict(answer.json())


@asynccontextmanager
async def desk_of(ground: Ground, module: str) -> AsyncIterator[Desk]:
    """`python -m module` on a fresh database of scheduling's; both are gone afterwards."""
    database = await ground.database("scheduling", Base.metadata)
    port, log = free_port(), ground.folder / f"{module}.log"
    environment = {
        "PRACTICE_ENV": "development",
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": ground.kafka.bootstrap_servers,
        "PRACTICE_TOPIC_PREFIX": await ground.topics(),
        "PRACTICE_LOG_LEVEL": "error",
        "PRACTICE_VAULT_KEYS": _VAULT_KEYS,
        "PRACTICE_TOKEN_SECRET": _SECRET,
        "SCHEDULING_DATABASE_URL": database.url,
        "SCHEDULING_HTTP_PORT": str(port),
    }
    token = development_token(_SECRET, env="development", subject="desk", roles=_ROLES)
    bearer = {"Authorization": f"Bearer {token}"}
    try:
        async with served(
            module, port=port, log=log, environment=environment, headers=bearer
        ) as http:
            yield Desk(http, database)
    finally:
        await ground.postgres.drop_database(database.name)
