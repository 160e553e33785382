"""A running pharmacy among everything it needs: real Kafka, real PostgreSQL, simulated vendors."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.auth import Role, development_token
from shared.clock import RunClock
from shared.events import Event
from shared.events.scheduling import SeriesCompleted
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from shared.vault import Vault
from tests.support import people
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import (
    PHARMACY_KEY,
    PHARMACY_WEBHOOK_SECRET,
    SIGNING_KEY,
    SIGNING_KNOWLEDGE,
    SIGNING_TOKEN_CODE,
    SIGNING_WEBHOOK_SECRET,
    OutsideWorld,
)
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics

TOKEN_SECRET = "made-up-token-secret-for-tests-only"
OLD_WEBHOOK_SECRET = "pharmacy-webhook-secret-of-last-year"
FACTORS = {"knowledge": SIGNING_KNOWLEDGE, "token_code": SIGNING_TOKEN_CODE}


def _key(letter: bytes) -> str:
    return base64.b64encode(letter * 32).decode()


VAULT_KEYS = f"k1:{_key(b'1')}"


@dataclass(slots=True)
class Case:
    """One completed series in a test's hands."""

    patient_id: UUID = field(default_factory=new_id)
    series_id: UUID = field(default_factory=new_id)
    prescriber_id: UUID = field(default_factory=new_id)
    prescription_id: UUID = field(default_factory=new_id)  # known once it is begun


@dataclass(slots=True)
class Practice:
    """Drives one or more pharmacy processes and looks at what came of it."""

    database: Database
    engine: AsyncEngine
    topics: Topics
    clock_file: Path
    clock: RunClock
    world: OutsideWorld
    scheduling: ClaimDesk
    producer: AIOKafkaProducer
    logs: Path
    http: httpx.AsyncClient
    processes: list[ServiceProcess] = field(default_factory=list)

    # The processes

    def environment(self) -> dict[str, str]:
        return {
            "PRACTICE_ENV": "development",
            "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": self.topics.bootstrap_servers,
            "PRACTICE_TOPIC_PREFIX": self.topics.prefix,
            "PRACTICE_CLOCK_FILE": str(self.clock_file),
            "PRACTICE_VAULT_KEYS": VAULT_KEYS,
            "PRACTICE_TOKEN_SECRET": TOKEN_SECRET,
            "PRACTICE_CONSUMER_SESSION_S": "2",
            "PHARMACY_DATABASE_URL": self.database.url,
            "PHARMACY_SCHEDULING_URL": self.scheduling.url,
            "PHARMACY_PARTNER_URL": self.world.pharmacy_url,
            "PHARMACY_PARTNER_KEY": PHARMACY_KEY,
            "PHARMACY_PARTNER_WEBHOOK_SECRET": f"{PHARMACY_WEBHOOK_SECRET},{OLD_WEBHOOK_SECRET}",
            "PHARMACY_SIGNING_URL": self.world.signing_url,
            "PHARMACY_SIGNING_KEY": SIGNING_KEY,
            "PHARMACY_SIGNING_WEBHOOK_SECRET": SIGNING_WEBHOOK_SECRET,
        }

    def process(self) -> ServiceProcess:
        log = self.logs / f"pharmacy-{len(self.processes)}.log"
        made = ServiceProcess("services.pharmacy", "PHARMACY", self.environment(), log)
        self.processes.append(made)
        return made

    async def start(self) -> ServiceProcess:
        """One more process, ready to work; the first one also hears the vendors."""
        process = self.process()
        if len(self.processes) == 1:
            self.prepare(process)
        process.start()
        await process.until_ready()
        return process

    def prepare(self, process: ServiceProcess) -> None:
        """Its tables are made, and it is whom the vendors tell."""
        process.migrate()
        self.world.notify(
            pharmacy=f"{process.url}/webhooks/pharmacy", signing=f"{process.url}/webhooks/signing"
        )

    def stop(self) -> None:
        for process in self.processes:
            process.stop()

    def printed(self) -> str:
        return "".join(log.read_text() for log in sorted(self.logs.glob("*.log")))

    @property
    def url(self) -> str:
        return self.processes[0].url

    # What others do

    def knows(self, case: Case, **changes: Any) -> None:
        """Scheduling has this series on file."""
        ids = {"patient_id": case.patient_id, "clinician_id": case.prescriber_id}
        self.scheduling.has_series(people.series(case.series_id, **ids, **changes))

    async def say(self, event: Event, *, times: int = 1) -> None:
        """Publish an event as its producer would, each time as another event."""
        for _ in range(times):
            headers = headers_of(
                event,
                event_id=new_id(),
                at=self.clock.now(),
                correlation_id=new_id(),
                causation_id=None,
                traceparent=None,
            )
            await self.producer.send_and_wait(
                self.topics.name(event.producer),
                key=event.key.encode(),
                value=event.model_dump_json().encode(),
                headers=[(name, value.encode()) for name, value in headers.items()],
            )

    async def complete(self, case: Case, *, times: int = 1) -> None:
        """The last infusion of the series is done, and scheduling says so."""
        await self.say(
            SeriesCompleted(
                patient_id=case.patient_id,
                series_id=case.series_id,
                prescriber_id=case.prescriber_id,
                infusions_completed=6,
                completed_at=self.clock.now(),
            ),
            times=times,
        )

    async def awaiting_signature(self, case: Case | None = None, **changes: Any) -> Case:
        """A completed series whose prescription waits for its prescriber."""
        case = case or Case()
        self.knows(case, **changes)
        await self.complete(case)
        await self.until(case, "awaiting_signature")
        return case

    async def decide(self, url: str, verb: str = "sign") -> None:
        """The prescriber signs (or declines) at the vendor, with both factors."""
        session_id = url.rsplit("/", 1)[-1]
        address = f"{self.world.signing_url}/v1/sessions/{session_id}/{verb}"
        answer = await self.http.post(address, json=FACTORS)
        assert answer.status_code == 200, answer.text

    async def sign(self, case: Case) -> None:
        await self.decide((await self.link(case)).json()["url"])

    async def sent(self, **changes: Any) -> Case:
        """A prescription of which the pharmacy has the order."""
        case = await self.awaiting_signature(**changes)
        await self.sign(case)
        await self.until(case, "sent")
        return case

    async def awaiting_signature_of(self, patient_id: UUID) -> Case:
        return await self.awaiting_signature(Case(patient_id=patient_id))

    async def execute(self, statement: str, **values: object) -> None:
        """Change the database behind the service's back."""
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def tamper(self, case: Case, **changes: object) -> None:
        """Change the formulary item of a drafted prescription, as nobody may."""
        row = await self.prescription(case)
        place = {"table": "prescriptions", "column": "content", "row": case.prescription_id}
        vault = Vault(VAULT_KEYS)
        content = vault.open(bytes(row.content), **place)
        content["item"] |= changes
        await self.execute(
            "UPDATE prescriptions SET content = :content WHERE prescription_id = :id",
            content=vault.seal(content, **place),
            id=case.prescription_id,
        )

    async def cancelled_by_pharmacy(self, order_id: str) -> None:
        """A pharmacist takes an order off the books."""
        answer = await self.http.post(
            f"{self.world.pharmacy_url}/v1/orders/{order_id}/cancel",
            json={"reason": "no longer compounded here"},
            headers={"x-api-key": PHARMACY_KEY},
        )
        assert answer.status_code == 200, answer.text

    async def send_a_twin(self, case: Case) -> str:
        """The same order once more, as a caller whose request was long under way would send it."""
        [order, *_] = self.orders(case)
        answer = await self.http.post(
            f"{self.world.pharmacy_url}/v1/orders",
            json=order["form"],
            headers={"x-api-key": PHARMACY_KEY},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["order_id"])

    def left_faults(self) -> list[dict[str, Any]]:
        """Faults that were ordered and have not befallen anything yet."""
        return [fault for fault in self.world.faults() if fault["done"] < fault["times"]]

    async def drop_faults(self) -> None:
        for fault in self.world.faults():
            path = f"{self.world.url}/control/faults/{fault['fault_id']}"
            assert (await self.http.delete(path)).is_success

    async def step(self, **pause: float) -> None:
        """Let practice time pass, and the outside world live through it."""
        self.clock.step_to(self.clock.now() + timedelta(**pause))
        await self.world.until_rest(within_s=30)

    # What came of it

    async def get(self, path: str, *roles: Role) -> httpx.Response:
        token = development_token(
            TOKEN_SECRET, env="development", subject="staff-1", roles=set(roles)
        )
        return await self.http.get(
            f"{self.url}{path}", headers={"Authorization": f"Bearer {token}"}
        )

    async def post(self, path: str, role: Role, *, key: str | None = None) -> httpx.Response:
        token = development_token(TOKEN_SECRET, env="development", subject="staff-1", roles={role})
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(new_id())}
        return await self.http.post(f"{self.url}{path}", headers=headers)

    async def link(self, case: Case) -> httpx.Response:
        return await self.get(
            f"/prescriptions/{case.prescription_id}/signing-link", Role.PRESCRIBER
        )

    async def rows(self, query: str, **values: object) -> Sequence[Any]:
        async with self.engine.connect() as connection:
            return (await connection.execute(text(query), values)).all()

    async def prescription(self, case: Case) -> Any:
        [row] = await self.rows(
            "SELECT * FROM prescriptions WHERE series_id = :series_id", series_id=case.series_id
        )
        case.prescription_id = row.prescription_id
        return row

    async def until(self, case: Case, state: str, *, within_s: float = 20) -> Any:
        async def holds() -> None:
            found = await self.rows(
                "SELECT state FROM prescriptions WHERE series_id = :id", id=case.series_id
            )
            assert [row.state for row in found] == [state]

        await eventually(holds, within_s=within_s)
        return await self.prescription(case)

    async def said(self, case: Case) -> list[str]:
        """What pharmacy has published about this patient, oldest first."""
        return [name for name, _ in await self.said_whole(case)]

    async def said_whole(self, case: Case) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.rows(
            "SELECT headers, payload FROM (SELECT seq AS n, key, headers, payload FROM outbox"
            " UNION ALL SELECT seq, key, headers, payload FROM event_log) AS told"
            " WHERE key = :key ORDER BY n",
            key=str(case.patient_id),
        )
        return [
            (row.headers["ce_type"].removeprefix("pharmacy."), json.loads(bytes(row.payload)))
            for row in rows
        ]

    async def until_said(self, case: Case, *names: str, within_s: float = 20) -> None:
        async def holds() -> None:
            assert await self.said(case) == list(names)

        await eventually(holds, within_s=within_s)

    async def until_idle(self, within_s: float = 20) -> None:
        """Wait until nothing that is due is left to do, here or outside."""

        async def idle() -> None:
            await self.world.until_rest()
            [(left,)] = await self.rows(
                "SELECT count(*) FROM due_work WHERE state IN ('running', 'resting')"
                " OR (state = 'waiting' AND due_at <= :now)",
                now=self.clock.now(),
            )
            [(unsaid,)] = await self.rows("SELECT count(*) FROM outbox")
            assert (left, unsaid) == (0, 0)

        await eventually(idle, within_s=within_s)

    def orders(self, case: Case) -> list[dict[str, Any]]:
        """Every order that the simulated pharmacy holds for this prescription."""
        held = self.world.state()["pharmacy"]["orders"]
        return [order for order in held if order["reference"] == str(case.prescription_id)]

    def live_orders(self, case: Case) -> list[dict[str, Any]]:
        return [order for order in self.orders(case) if order["status"] != "cancelled"]

    async def sessions(self, case: Case) -> list[dict[str, Any]]:
        """Every session that the simulated vendor holds for this prescription, oldest first."""
        rows = await self.rows(
            "SELECT signing_id FROM signings WHERE prescription_id = :id", id=case.prescription_id
        )
        ours = {str(row.signing_id) for row in rows}
        held = self.world.state()["signing"]["sessions"]
        return [session for session in held if session["reference"] in ours]

    @property
    def now(self) -> datetime:
        return self.clock.now()
