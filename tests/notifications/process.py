"""Notifications as they run: a process, its topics, its database, its log."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from deploy.local.postgres import Database
from shared.auth import Role, development_token
from shared.db import create_engine
from shared.events import Event
from tests.messaging.records import record_of, send
from tests.notifications.house import SENDER, TOKEN_SECRET
from tests.support import leases
from tests.support.outside_world import SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics


def environment(
    database: Database, topics: Topics, world: OutsideWorld, scheduling_url: str
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
        "NOTIFICATIONS_SCHEDULING_URL": scheduling_url,
        "NOTIFICATIONS_BILLING_URL": scheduling_url,
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
    service: ServiceProcess = field(init=False)

    def __post_init__(self) -> None:
        given = environment(self.database, self.topics, self.world, self.scheduling_url)
        self.service = ServiceProcess(
            "services.notifications",
            "NOTIFICATIONS",
            given | {"PRACTICE_TRACE_FILE": str(self.trace)},
            self.folder / "log",
        )

    @property
    def log(self) -> Path:
        return self.service.log

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    async def start_again(self) -> None:
        """Start after a kill; what was under way then is taken up at once."""
        engine = create_engine(self.database.url)
        await leases.run_out(engine)
        await engine.dispose()
        await self.start()

    async def start(self) -> None:
        self.service.start()
        await self.service.until_ready()

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.service.get(path, headers)

    async def get_as(self, role: Role, path: str) -> httpx.Response:
        token = development_token(TOKEN_SECRET, env="development", subject="staff", roles={role})
        return await self.get(path, {"Authorization": f"Bearer {token}"})

    def kill(self) -> None:
        self.service.kill()

    def stop(self) -> None:
        self.service.stop()

    async def hears(self, *events: Event) -> None:
        for event in events:
            await send(self.topics, [record_of(event)], topic=event.producer)

    async def at_rest(self) -> None:
        await self.service.until_at_rest()

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
