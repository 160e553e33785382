"""Scheduling as a process of its own, asked over HTTP as the front desk asks it."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx

from bench.ground import Ground
from deploy.local.postgres import Database
from deploy.local.processes import end_process, free_port, last_lines, start_process
from services.scheduling.tables import Base
from shared.auth import Role, development_token
from shared.ids import new_id

READY_WITHIN_S = 60.0
LOOKS_EVERY_S = 0.05
TIME_LIMIT_S = 60.0

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
    process = start_process([sys.executable, "-m", module], log=log, env=environment)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIME_LIMIT_S,
            trust_env=False,
        ) as http:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await _is_ready(http):
                    if process.poll() is not None:
                        raise RuntimeError(f"{module} ended:\n{last_lines(log)}")
                    await asyncio.sleep(LOOKS_EVERY_S)
            yield Desk(http, database)
    finally:
        end_process(process)
        await ground.postgres.drop_database(database.name)


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).is_success
    except httpx.TransportError:
        return False
