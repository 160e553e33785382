"""The service under test: its seam, its workers, its gateways, and what it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from aiokafka import ConsumerRecord
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifications.events import on
from services.notifications.gateways.mail import Mail, SmtpMail
from services.notifications.gateways.texts import Texts, TwilioTexts
from services.notifications.words import Clinic
from shared.claims import BillingClaims, ClaimCheck, PayLinkCheck, SchedulingClaims
from shared.clock import RunClock
from shared.events import Event
from shared.ids import new_id
from shared.messaging.duework import unfinished
from shared.messaging.envelope import headers_of
from shared.messaging.seam import Seam
from shared.messaging.transaction import UnitOfWork
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from shared.vault import Vault
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, OutsideWorld

CLINIC = Clinic("Elm Clinic", "+12025550100")
SENDER = "+12025550100"
TOKEN_SECRET = "not-a-secret-" * 3
PATIENCE_S = 0.4
"""How long the gateways wait for an answer here, so that a hang costs a test little."""


def texts_of(world: OutsideWorld, **changes: Any) -> TwilioTexts:
    options = {
        "account_sid": SMS_ACCOUNT_SID,
        "auth_token": SMS_AUTH_TOKEN,
        "sender": SENDER,
        "clinic": CLINIC,
        "api_base": world.sms_url,
        "time_limit_s": PATIENCE_S,
    }
    return TwilioTexts(**options | changes)


def mail_of(world: OutsideWorld, **changes: Any) -> SmtpMail:
    options = {
        "host": "127.0.0.1",
        "port": world.smtp_port,
        "sender": "clinic@example.org",
        "clinic": CLINIC,
        "starttls": False,
        "time_limit_s": PATIENCE_S,
    }
    return SmtpMail(**options | changes)


def record_of(event: Event, event_id: UUID, at: datetime) -> ConsumerRecord[Any, Any]:
    headers = headers_of(
        event,
        event_id=event_id,
        at=at,
        correlation_id=new_id(),
        causation_id=None,
        traceparent=None,
    )
    return ConsumerRecord(
        topic=event.producer,
        partition=0,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=event.key.encode(),
        value=event.model_dump_json().encode(),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=[(name, value.encode()) for name, value in headers.items()],
    )


@dataclass(slots=True)
class House:
    engine: AsyncEngine
    clock: RunClock
    world: OutsideWorld
    scheduling: ClaimDesk
    vault: Vault
    unit: UnitOfWork = field(init=False)
    seam: Seam = field(init=False)

    def __post_init__(self) -> None:
        self.unit = UnitOfWork(self.engine, self.clock, on, vault=self.vault)
        self.seam = Seam(on, self.unit)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Workers run; they stop with the block."""
        claims = SchedulingClaims(
            self.scheduling.url, service="notifications", token_secret=TOKEN_SECRET
        )
        links = BillingClaims(
            self.scheduling.url, service="notifications", token_secret=TOKEN_SECRET
        )
        texts = texts_of(self.world)
        gateways: dict[type[Any], object] = {
            Texts: texts,
            Mail: mail_of(self.world),
            ClaimCheck: claims,
            PayLinkCheck: links,
        }
        limits = WorkLimits(poll_s=0.02, backoff_s=0.02, backoff_cap_s=0.1)
        task = asyncio.create_task(Workers(on, self.unit, gateways, limits=limits).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await claims.aclose()
            await links.aclose()
            await texts.aclose()

    async def hears(self, *events: Event, ids: list[UUID] | None = None) -> None:
        """Take events as one batch; the same `ids` again are the same events again."""
        ids = ids or [new_id() for _ in events]
        now = self.clock.now()
        await self.seam.take(
            [record_of(event, id_, now) for event, id_ in zip(events, ids, strict=True)]
        )
        parked = await self.rows("SELECT reason FROM parked_events")
        assert parked == [], parked

    async def at_rest(self, within_s: float = 15.0) -> None:
        """Everything that has fallen due is done."""

        async def done() -> None:
            left = await self.rows("SELECT kind, state, error_code FROM due_work")
            async with self.engine.connect() as connection:
                kinds, now = on.work_kinds, self.clock.now()
                assert await unfinished(connection, kinds, now=now) == 0, left
            assert not [row for row in left if row["state"] == "parked"], left

        await eventually(done, within_s=within_s)

    async def at_rest_but(self, kind: str) -> None:
        """Everything that has fallen due is done, except work of one kind."""

        async def done() -> bool:
            left = await self.rows(
                "SELECT kind FROM due_work WHERE kind <> :kind"
                " AND (state <> 'waiting' OR due_at <= :now)",
                kind=kind,
                now=self.clock.now(),
            )
            return not left

        await eventually(done)

    async def goes_to(self, moment: datetime) -> None:
        self.clock.step_to(moment)
        await self.at_rest()

    async def lives(self, span: timedelta) -> None:
        """Go on in time, stopping at every moment at which something falls due."""
        end = self.clock.now() + span
        while True:
            await self.at_rest()
            due = await self.rows(
                "SELECT min(due_at) AS at FROM due_work WHERE state = 'waiting' AND due_at <= :end",
                end=end,
            )
            if due[0]["at"] is None:
                await self.goes_to(end)
                return
            self.clock.step_to(max(due[0]["at"], self.clock.now()))

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        async with self.engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(text(query), values)).mappings()]

    async def messages(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Every message by purpose and revision; for tests with one subject per purpose."""
        rows = await self.rows("SELECT * FROM messages ORDER BY message_id")
        found = {(row["purpose"], row["revision"]): row for row in rows}
        assert len(found) == len(rows)
        return found

    async def states(self) -> dict[tuple[str, int], str]:
        """`sent`, `waiting`, or why not."""
        return {
            name: row["reason"] or row["state"] for name, row in (await self.messages()).items()
        }

    async def said(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and body of every event that the service publishes."""
        rows = await self.rows("SELECT headers, payload FROM outbox ORDER BY seq")
        return [
            (row["headers"]["ce_type"].partition(".")[2], orjson.loads(row["payload"]))
            for row in rows
        ]

    def texts(self, to: str | None = None) -> list[str]:
        """What the network holds for patients, oldest first."""
        return [
            message["body"]
            for message in self.world.state()["sms"]["messages"]
            if message["direction"] == "outbound-api" and to in {None, message["to"]}
        ]
