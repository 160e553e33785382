"""What the chaos tests stand on: billing processes, the outside party, and how to look at both."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.db import create_engine, migrate
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.ids import new_id
from tests.chaos.billing import TABLES
from tests.messaging.records import record_of
from tests.support.service_process import ServiceProcess

WHEN = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
KEY = base64.b64encode(b"1" * 32).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A killed process resets its connections; that is what these tests are for."""


class OutsideParty:
    """A card processor over HTTP: charges once per key, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        party = self

        class Desk(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                key = self.headers["Idempotency-Key"]
                party.asked[key] += 1
                body = f"ref-{key}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """A test prints nothing."""

        self._server = _Server(("127.0.0.1", 0), Desk)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Billing(ServiceProcess):
    """One replica of the small billing."""

    async def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        """A status and an answer; status 0 while nothing listens."""
        try:
            answer = await self.get(path)
        except httpx.HTTPError:
            return 0, {}
        return answer.status_code, answer.json()

    async def troubles(self) -> dict[str, str]:
        """What `/health/ready` says is wrong, by check."""
        status, answer = await self.ask("/health/ready")
        wrong = {name: what for name, what in answer.get("checks", {}).items() if what}
        assert (status == 503) == bool(wrong)
        return wrong

    async def arm(self, step: str, passage: int = 1) -> None:
        await self._post("/arm", {"step": step, "passage": passage})

    async def complete(self, patient: UUID, infusion: UUID) -> None:
        """Tell of a completed infusion by a request, as where Kafka is away."""
        await self._post("/infusions", _completed(patient, infusion).model_dump(mode="json"))

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            answer = await client.post(self.url + path, json=body)
        assert answer.status_code == 204, answer.text


@dataclass(slots=True)
class Clinic:
    """A database, topics, an outside party, and any number of replicas of billing."""

    database: Database
    engine: AsyncEngine
    servers: str
    prefix: str
    party: OutsideParty
    folder: Path
    replicas: list[Billing] = field(default_factory=list)

    @classmethod
    async def on(cls, database: Database, servers: str, prefix: str, folder: Path) -> Clinic:
        engine = create_engine(database.url)
        await migrate(engine, "none", MetaData())
        async with engine.begin() as connection:
            for statement in TABLES.split(";"):
                await connection.execute(text(statement))
        return cls(database, engine, servers, prefix, OutsideParty(), folder)

    async def close(self) -> None:
        for replica in self.replicas:
            replica.stop()
        self.party.stop()
        await self.engine.dispose()

    def start(self, **more: str) -> Billing:
        """Start one more replica."""
        replica = Billing(
            "tests.chaos.billing",
            "BILLING",
            {
                "PRACTICE_ENV": "development",
                "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": self.servers,
                "PRACTICE_TOPIC_PREFIX": self.prefix,
                "PRACTICE_VAULT_KEYS": f"k1:{KEY}",
                "PRACTICE_TOKEN_SECRET": "not-a-secret-" * 3,
                "PRACTICE_WORK_LEASE_S": "2.5",
                "PRACTICE_CONSUMER_SESSION_S": "1.5",
                "BILLING_DATABASE_URL": self.database.url,
                "BILLING_PROCESSOR_URL": self.party.url,
            }
            | more,
            self.folder / f"billing-{len(self.replicas)}.log",
        )
        replica.start()
        self.replicas.append(replica)
        return replica

    async def complete_infusions(self, infusions: Sequence[tuple[UUID, UUID]]) -> None:
        """Say `InfusionCompleted` for each (patient, infusion)."""
        producer = AIOKafkaProducer(bootstrap_servers=self.servers)
        await producer.start()
        try:
            futures = [
                await producer.send(
                    self.prefix + "scheduling", **record_of(_completed(patient, infusion))
                )
                for patient, infusion in infusions
            ]
            for future in futures:
                await future
        finally:
            await producer.stop()

    async def count(self, query: str) -> int:
        async with self.engine.connect() as connection:
            return int((await connection.execute(text(query))).scalar_one())

    async def settled(self, infusions: Sequence[tuple[UUID, UUID]]) -> None:
        """Every infusion has one charge, one payment and one superbill; nothing is left to do."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    "SELECT infusion_id, count(DISTINCT charge_id) AS charges, count(*) AS lines,"
                    " count(payments.charge_id) AS paid, count(superbills.charge_id) AS billed"
                    " FROM charges LEFT JOIN payments USING (charge_id)"
                    " LEFT JOIN superbills USING (charge_id)"
                    " WHERE infusion_id = ANY(:infusions) GROUP BY infusion_id"
                ),
                {"infusions": [infusion for _, infusion in infusions]},
            )
            found = {row[0]: tuple(row[1:]) for row in rows}
        assert found == {infusion: (1, 1, 1, 1) for _, infusion in infusions}
        for table in ("outbox", "due_work", "parked_events"):
            assert await self.count(f"SELECT count(*) FROM {table}") == 0, table

    async def charges_of(self, infusions: Sequence[tuple[UUID, UUID]]) -> list[str]:
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT charge_id::text FROM charges WHERE infusion_id = ANY(:infusions)"),
                {"infusions": [infusion for _, infusion in infusions]},
            )
            return list(rows.scalars())

    async def said(self) -> dict[str, list[tuple[str, str]]]:
        """(type, event id) by patient as billing's topic holds them, repeats of an id dropped."""
        topic = self.prefix + "billing"
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=self.servers,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        await consumer.start()
        said: dict[str, dict[str, str]] = {}
        try:
            parts = consumer.assignment()
            ends = await consumer.end_offsets(parts)
            while any([await consumer.position(part) < ends[part] for part in parts]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        headers = {name: (value or b"").decode() for name, value in record.headers}
                        of_patient = said.setdefault((record.key or b"").decode(), {})
                        of_patient.setdefault(headers["ce_id"], headers["ce_type"])
        finally:
            await consumer.stop()
        return {
            patient: [(kind, event_id) for event_id, kind in events.items()]
            for patient, events in said.items()
        }

    async def heard_outside(self, infusions: Sequence[tuple[UUID, UUID]]) -> None:
        """Each patient's three facts stand on the topic, once, in the order they happened."""
        said = await self.said()
        for patient, _ in infusions:
            kinds = [kind.partition(".")[2] for kind, _ in said.get(str(patient), [])]
            assert kinds == ["ChargePosted", "PaymentCaptured", "SuperbillIssued"]


def infusions(count: int) -> list[tuple[UUID, UUID]]:
    """Pairs of a new patient and a new infusion."""
    return [(new_id(), new_id()) for _ in range(count)]


def _completed(patient: UUID, infusion: UUID) -> InfusionCompleted:
    return InfusionCompleted(
        patient_id=patient,
        infusion_id=infusion,
        appointment_id=new_id(),
        series_id=None,
        sequence_no=None,
        location_id=new_id(),
        visit_type=VisitType.KETAMINE_MOOD,
        started_at=WHEN,
        stopped_at=WHEN,
    )
