"""Billing on a real database and the simulated Stripe, with a made-up scheduling beside it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
import socket
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
import stripe
import structlog
import uvicorn
from aiokafka import ConsumerRecord
from sqlalchemy import text

from deploy.local.postgres import Database
from deploy.local.processes import free_port
from services.billing.app import build
from services.billing.gateways.stripe import Stripe, at_stripe
from services.billing.tables import Base
from shared import logs
from shared.auth import Role, development_token
from shared.clock import RunClock
from shared.events import Event
from shared.events.scheduling import AppointmentBooked, InfusionCompleted, VisitType
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from shared.service import Service
from tests.billing.records import attendance_record, infusion_record
from tests.support.claim_check import ClaimDesk, claim_desk
from tests.support.eventually import eventually
from tests.support.outside_world import (
    STRIPE_KEY,
    STRIPE_PUBLISHABLE_KEY,
    STRIPE_WEBHOOK_SECRET,
    OutsideWorld,
    turn_back,
    world_at,
)
from tests.support.parked import parked_items
from tests.support.stripe_mock import OfficialStripe
from tests.support.templates import Templates

STARTS_AT = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
TOKEN_SECRET = "not-a-secret-" * 3
RETURN_URL = "https://clinic.example/thank-you"
OLD_WEBHOOK_SECRET = "whsec_an_older_made_up_secret"

E = TypeVar("E", bound=Event)


class Lines(io.StringIO):
    """What was logged."""


@pytest.fixture(autouse=True)
def lines() -> Iterator[Lines]:
    """Logging as a process sets it up; put back afterwards."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level, out = root.handlers[:], root.level, Lines()
    with warnings.catch_warnings():
        yield out
        logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook, threading.excepthook = handlers, *hooks
    root.setLevel(level)
    structlog.reset_defaults()


class _Server(uvicorn.Server):
    """A server inside the test's loop: it says when it listens and leaves signals alone."""

    def __init__(self, app: Any, port: int) -> None:
        super().__init__(
            uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_config=None)
        )
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: Any, port: int) -> AsyncIterator[str]:
    server = _Server(app, port)
    task = asyncio.create_task(server.serve())
    await server.listens.wait()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@pytest.fixture(scope="session")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock, Path]]:
    folder = tmp_path_factory.mktemp("billing-outside")
    with world_at(STARTS_AT, folder) as (world, clock):
        yield world, clock, folder / "clock"


@pytest.fixture
def world(
    running_world: tuple[OutsideWorld, RunClock, Path], official_stripe: OfficialStripe | None
) -> Iterator[OutsideWorld]:
    """The outside world at its first moment, with nothing in it, and nobody who listens.

    Afterwards Stripe's official mock must take every call that was made.
    """
    world, _, clock_file = running_world
    world.begin()
    turn_back(clock_file, STARTS_AT)
    yield world
    if official_stripe is not None:
        assert official_stripe.objections(world.stripe_calls()) == []


@pytest.fixture
async def scheduling() -> AsyncIterator[ClaimDesk]:
    async with claim_desk(TOKEN_SECRET) as desk:
        yield desk


@dataclass(slots=True)
class Billing:
    """The running service as the clinic and its neighbours meet it."""

    service: Service
    url: str
    http: httpx.AsyncClient
    world: OutsideWorld
    clock: RunClock
    scheduling: ClaimDesk

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        role: Role = Role.BILLER,
        key: str | None = None,
        who: str = "staff-1",
    ) -> httpx.Response:
        token = development_token(TOKEN_SECRET, env="development", subject=who, roles={role})
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(new_id())}
        return await self.http.request(method, path, json=body, headers=headers)

    async def told(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def hear(self, *events: Event) -> None:
        """Deliver events as Kafka would, in one batch; each delivery has an id of its own."""
        await self.service.runtime.seam.take([self.record_of(event) for event in events])

    async def book(self, patient_id: UUID) -> UUID:
        """An appointment of a patient that scheduling has told of."""
        appointment_id = new_id()
        await self.hear(self.booked(patient_id, appointment_id))
        return appointment_id

    def booked(self, patient_id: UUID, appointment_id: UUID) -> AppointmentBooked:
        now = self.clock.now()
        return AppointmentBooked(
            patient_id=patient_id,
            appointment_id=appointment_id,
            series_id=None,
            sequence_no=None,
            location_id=new_id(),
            visit_type=VisitType.KETAMINE_MOOD,
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            revision=0,
        )

    async def choose(self, appointment_id: UUID, patient_id: UUID, tender: str) -> httpx.Response:
        wish = {"patient_id": str(patient_id), "tender": tender}
        return await self.ask("POST", f"/appointments/{appointment_id}/tender", wish)

    def record_of(self, event: Event, event_id: UUID | None = None) -> Any:
        headers = headers_of(
            event,
            event_id=event_id or new_id(),
            at=self.clock.now(),
            correlation_id=new_id(),
            causation_id=None,
            traceparent=None,
        )
        return ConsumerRecord(
            topic="scheduling",
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

    async def said(self, kind: type[E]) -> list[E]:
        """What was published, in the order of the commits."""
        rows = await self.rows(
            "SELECT payload FROM outbox WHERE headers->>'ce_type' = :kind ORDER BY seq",
            kind=kind.type_name,
        )
        return [kind.model_validate_json(row.payload) for row in rows]

    async def rows(self, query: str, **values: object) -> list[Any]:
        async with self.service.runtime.engine.connect() as connection:
            return list(await connection.execute(text(query), values))

    async def parked(self) -> list[str]:
        async with self.service.runtime.work.transaction() as tx:
            return [item.reason for item in await parked_items(tx)]

    async def until_rest(self, within_s: float = 20.0) -> None:
        """Wait until all that fell due is done or parked, here and outside."""

        async def rests() -> bool:
            return (
                await self.service.runtime.workers.unfinished() == 0
                and bool(self.world.rest()["at_rest"])
                and await self.service.runtime.workers.unfinished() == 0
            )

        await eventually(rests, within_s=within_s)

    def step(self, by: timedelta) -> None:
        self.clock.step_to(self.clock.now() + by)

    async def set_fee(
        self,
        amount_cents: int = 39900,
        effective_from: str = "2026-01-01",
        visit_type: str = "ketamine_mood",
    ) -> Any:
        fee = {"visit_type": visit_type, "amount_cents": amount_cents}
        return await self.told("POST", "/fees", fee | {"effective_from": effective_from})

    async def start_setup(self, patient_id: UUID, *, agrees: bool = True) -> dict[str, Any]:
        """A set-up that is ready for the patient's browser; they agree to what it shows."""
        path = f"/patients/{patient_id}/card-setups"
        started = await self.told("POST", path, {})
        shown: dict[str, Any] = {}

        async def is_ready() -> None:
            shown.update(await self.told("GET", f"{path}/{started['setup_id']}"))
            assert shown["state"] == "ready"

        await eventually(is_ready)
        if agrees:
            await self.agree(patient_id, shown)
        return shown

    async def agree(self, patient_id: UUID, setup: dict[str, Any], **how: Any) -> dict[str, Any]:
        """The patient ticks the box on the page, or says so at the desk."""
        wish = {"text_id": setup["mandate_text"]["text_id"], "way": "hosted_page"} | how
        path = f"/patients/{patient_id}/card-setups/{setup['setup_id']}/mandate"
        return dict(await self.told("POST", path, wish))

    async def confirm_in_browser(self, setup: dict[str, Any], card: str) -> httpx.Response:
        """What Stripe's script does with the client secret and the publishable key."""
        intent_id = setup["client_secret"].partition("_secret_")[0]
        return await self.http.post(
            f"{self.world.stripe_url}/v1/setup_intents/{intent_id}/confirm",
            data={"client_secret": setup["client_secret"], "payment_method": card},
            headers={"Authorization": f"Bearer {setup['publishable_key']}"},
        )

    async def save_card(
        self, patient_id: UUID, card: str = "pm_card_visa", *, agrees: bool = True
    ) -> str:
        """Have a card on file; Stripe's id of it."""
        setup = await self.start_setup(patient_id, agrees=agrees)
        confirmed = await self.confirm_in_browser(setup, card)
        assert confirmed.is_success, confirmed.text
        path = f"/patients/{patient_id}/card-setups/{setup['setup_id']}"

        async def is_saved() -> bool:
            return bool((await self.told("GET", path))["state"] == "saved")

        await eventually(is_saved)
        return str(confirmed.json()["payment_method"])

    def complete(
        self, patient_id: UUID, *, minutes: int = 40, in_series: bool = True, **changes: Any
    ) -> InfusionCompleted:
        """An infusion that ends now, which scheduling can be asked about."""
        stopped_at = changes.pop("stopped_at", self.clock.now())
        event = InfusionCompleted(
            patient_id=patient_id,
            infusion_id=new_id(),
            appointment_id=changes.pop("appointment_id", new_id()),
            series_id=new_id() if in_series else None,
            sequence_no=1 if in_series else None,
            location_id=new_id(),
            visit_type=changes.get("visit_type", VisitType.KETAMINE_MOOD),
            started_at=stopped_at - timedelta(minutes=minutes),
            stopped_at=stopped_at,
        )
        record = infusion_record(
            infusion_id=event.infusion_id,
            patient_id=patient_id,
            started_at=event.started_at,
            stopped_at=event.stopped_at,
            **changes,
        )
        self.scheduling.has_infusion(record)
        self.scheduling.has_attendance(attendance_record(event))
        return event

    async def charges(self, patient_id: UUID) -> list[dict[str, Any]]:
        return list((await self.told("GET", f"/patients/{patient_id}/charges"))["items"])

    async def only_charge(self, patient_id: UUID) -> dict[str, Any]:
        [charge] = await self.charges(patient_id)
        return charge

    def at_stripe(self, noun: str) -> list[dict[str, Any]]:
        return list(self.world.state()["stripe"][noun])

    def money_taken(self) -> list[int]:
        """The cents of every charge that went through at Stripe."""
        return [charge["amount"] for charge in self.at_stripe("charges") if charge["paid"]]


@pytest.fixture
async def dashboard(billing: Billing) -> AsyncIterator[stripe.StripeClient]:
    """Somebody who works in Stripe's dashboard, past the books."""
    http = stripe.HTTPXClient()
    bases: Any = {"api": billing.world.stripe_url}
    yield stripe.StripeClient(STRIPE_KEY, http_client=http, base_addresses=bases)
    await http.close_async()


def environment(
    database: Database, clock_file: Path, world: OutsideWorld, scheduling_url: str, port: int
) -> dict[str, str]:
    """The settings of a billing process."""
    key = base64.b64encode(b"1" * 32).decode()
    return {
        "PRACTICE_ENV": "development",
        "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PRACTICE_CLOCK_FILE": str(clock_file),
        "PRACTICE_VAULT_KEYS": f"k1:{key}",
        "PRACTICE_TOKEN_SECRET": TOKEN_SECRET,
        "BILLING_DATABASE_URL": database.url,
        "BILLING_HTTP_PORT": str(port),
        "BILLING_SCHEDULING_URL": scheduling_url,
        "BILLING_STRIPE_KEY": STRIPE_KEY,
        "BILLING_STRIPE_API_BASE": world.stripe_url,
        "BILLING_STRIPE_WEBHOOK_SECRET": f"{STRIPE_WEBHOOK_SECRET},{OLD_WEBHOOK_SECRET}",
        "BILLING_STRIPE_PUBLISHABLE_KEY": STRIPE_PUBLISHABLE_KEY,
        "BILLING_PAY_LINK_RETURN_URL": RETURN_URL,
    }


@pytest.fixture
async def migrated(templates: Templates) -> AsyncIterator[Database]:
    """A database with billing's tables, for one test."""
    async with templates.copied("billing", Base.metadata) as database:
        yield database


@pytest.fixture
async def billing(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    migrated: Database,
    scheduling: ClaimDesk,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Billing]:
    """The service with its workers and its API; events are handed to its seam by the test."""
    _, clock, clock_file = running_world
    port = free_port()
    for name, value in environment(migrated, clock_file, world, scheduling.url, port).items():
        monkeypatch.setenv(name, value)
    stripe = Stripe(STRIPE_KEY, api_base=world.stripe_url, time_limit_s=1.0)
    built = build()
    parts = replace(built, gateways={**built.gateways, **at_stripe(stripe, return_url=RETURN_URL)})
    service = Service(parts)
    logs.set_up("billing", level="info", clock=clock, out=lines)
    workers = asyncio.create_task(service.runtime.workers.run())
    async with (
        serving(service.app, port) as url,
        httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http,
    ):
        world.notify(stripe=f"{url}/webhooks/stripe")
        yield Billing(service, url, http, world, clock, scheduling)
        world.notify(stripe=None)
    workers.cancel()
    await asyncio.gather(workers, return_exceptions=True)
    await service.runtime.engine.dispose()
    for gateway in (*built.gateways.values(), stripe):
        if (aclose := getattr(gateway, "aclose", None)) is not None:
            await aclose()


def seen_by_stripe(world: OutsideWorld) -> str:
    """Everything that Stripe was ever told, as one text."""
    return json.dumps(world.state()["stripe"])
