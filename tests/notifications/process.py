"""Notifications as they run: a process, its topics, its database, its log."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from deploy.local.postgres import Database
from deploy.local.processes import end_process, free_port, last_lines, start_process
from services.notifications.tables import Base
from shared.auth import Role, development_token
from shared.db import create_engine, migrate
from shared.events import Event
from tests.messaging.records import record_of, send
from tests.notifications.house import SENDER, TOKEN_SECRET
from tests.support import leases
from tests.support.eventually import eventually
from tests.support.outside_world import SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, OutsideWorld
from tests.support.topics import Topics


def environment(
    database: Database, topics: Topics, world: OutsideWorld, scheduling_url: str, port: int
) -> dict[str, str]:
    return {
        "PRACTICE_ENV": "development",
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": topics.bootstrap_servers,
        "PRACTICE_TOPIC_PREFIX": topics.prefix,
        "PRACTICE_CLOCK_FILE": str(world.clock_file),
        "PRACTICE_VAULT_KEYS": "k1:" + base64.b64encode(b"1" * 32).decode(),
        "PRACTICE_TOKEN_SECRET": TOKEN_SECRET,
        "PRACTICE_CONSUMER_SESSION_S": "2",
        "PRACTICE_LOG_LEVEL": "debug",
        "NOTIFICATIONS_DATABASE_URL": database.url,
        "NOTIFICATIONS_HTTP_PORT": str(port),
        "NOTIFICATIONS_SCHEDULING_URL": scheduling_url,
        "NOTIFICATIONS_SMS_ACCOUNT_SID": SMS_ACCOUNT_SID,
        "NOTIFICATIONS_SMS_AUTH_TOKEN": SMS_AUTH_TOKEN,
        "NOTIFICATIONS_SMS_API_BASE": world.sms_url,
        "NOTIFICATIONS_SMS_FROM": SENDER,
        "NOTIFICATIONS_SMTP_HOST": "127.0.0.1",
        "NOTIFICATIONS_SMTP_PORT": str(world.smtp_port),
        "NOTIFICATIONS_SMTP_FROM": "clinic@example.org",
        "NOTIFICATIONS_SMTP_SECURITY": "none",
        "NOTIFICATIONS_CLINIC_NAME": "Elm Clinic",
        "NOTIFICATIONS_CLINIC_PHONE": "+12025550100",
    }


@dataclass(slots=True)
class Process:
    database: Database
    topics: Topics
    world: OutsideWorld
    scheduling_url: str
    folder: Path
    port: int = field(default_factory=free_port)
    _process: Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    async def migrate(self) -> None:
        engine = create_engine(self.database.url)
        await migrate(engine, "notifications", Base.metadata)
        await engine.dispose()

    async def start_again(self) -> None:
        """Start after a kill; what was under way then is taken up at once."""
        engine = create_engine(self.database.url)
        await leases.run_out(engine)
        await engine.dispose()
        await self.start()

    async def start(self) -> None:
        given = environment(self.database, self.topics, self.world, self.scheduling_url, self.port)
        self._process = start_process(
            [sys.executable, "-m", "services.notifications"],
            log=self.log,
            env=given | {"PRACTICE_TRACE_FILE": str(self.trace)},
        )
        await eventually(self._ready, within_s=30)

    async def _ready(self) -> None:
        try:
            answer = await self.get("/health/ready")
        except httpx.TransportError:
            raise AssertionError(last_lines(self.log)) from None
        assert answer.status_code == 200, answer.text

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}", headers=headers)

    async def get_as(self, role: Role, path: str) -> httpx.Response:
        token = development_token(TOKEN_SECRET, env="development", subject="staff", roles={role})
        return await self.get(path, {"Authorization": f"Bearer {token}"})

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            end_process(self._process)

    async def hears(self, *events: Event) -> None:
        for event in events:
            await send(self.topics, [record_of(event)], topic=event.producer)

    async def at_rest(self) -> None:
        async def rests() -> None:
            answer = (await self.get("/health/rest")).json()
            assert answer["at_rest"], answer

        await eventually(rests, within_s=20)

    async def published(self) -> list[tuple[dict[str, str], bytes]]:
        """Headers and value of every record on the service's own topic."""
        consumer = AIOKafkaConsumer(
            self.topics.name("notifications"),
            bootstrap_servers=self.topics.bootstrap_servers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            found: list[Any] = []
            while batch := await consumer.getmany(timeout_ms=1000):
                found += [record for records in batch.values() for record in records]
        finally:
            await consumer.stop()
        return [
            ({name: value.decode() for name, value in record.headers}, record.value)
            for record in found
        ]
