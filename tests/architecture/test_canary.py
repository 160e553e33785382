"""A canary patient lives through a whole course with every service as a process of its own, and is
found nowhere but where a vendor's job needs her.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from rich.console import Console
from sqlalchemy import make_url

from deploy.catalogue.contracts import ROOT
from deploy.kafka.topics import TOPICS, prefixed
from deploy.local.demo.demo import Lived, begins_at, live_through
from deploy.local.demo.heard import ear
from deploy.local.export import read_clinic
from deploy.local.ground import Kafka
from deploy.local.installation import SERVICES, Installation, Plan
from deploy.local.installation.keys import Keys
from shared.auth import Role, development_token
from tests.architecture.canary import FIELDS, as_canary, found_in
from tests.support.eventually import eventually

POSTAL = {"first name", "last name", "street", "second line", "city", "postal code"}
NEEDED_BY = {
    "pharmacy": POSTAL | {"birth date", "phone"},
    "signing": POSTAL | {"birth date"},
    "sms": {"phone", "first name"},
    "mail": {"e-mail", "first name"},
}
"""What a vendor cannot do its job without: whom to sign and to make it for, whom to reach
and how to greet them."""


@dataclass(slots=True)
class Course:
    """A course that was lived through, with everything still running."""

    running: Installation
    lived: Lived
    folder: Path

    def ask(self, service: str, path: str, *, role: Role = Role.OPS) -> httpx.Request:
        token = development_token(
            self.running.plan.keys.token_secret, env="development", subject="probe", roles={role}
        )
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Request("GET", self.running.plan.url(service) + path, headers=headers)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="practice-canary-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
async def course(kafka: Kafka, folder: Path) -> AsyncIterator[Course]:
    clinic = as_canary(read_clinic(ROOT / "deploy/local/clinic"), "ada")
    plan = Plan(
        folder=folder,
        keys=Keys(),
        clinic_name="Sample Infusion Center",
        clinic_phone="+12025550100",
        topic_prefix=f"c{uuid4().hex[:8]}.",
        extra={
            service: {
                "PRACTICE_LOG_LEVEL": "debug",
                "PRACTICE_TRACE_FILE": str(folder / "logs" / f"{service}.trace"),
            }
            for service in SERVICES
        },
    )
    running = Installation(plan, starts_at=begins_at(clinic), rate=0, kafka=kafka)
    async with running:
        quiet = Console(file=StringIO(), width=100)
        lived = await live_through(clinic, running, quiet, folder / "superbills")
        yield Course(running, lived, folder)
    await kafka.delete_topics(prefixed(plan.topic_prefix))


async def _topics(course: Course) -> dict[str, bytes]:
    plan = course.running.plan
    said: dict[str, bytes] = dict.fromkeys(TOPICS, b"")
    assert course.running.kafka is not None
    async with ear(course.running.kafka.bootstrap_servers, plan.topic_prefix) as listening:
        consumer = listening._consumer
        ends = await consumer.end_offsets(consumer.assignment())
        while await listening._behind(ends):
            for partition, records in (await consumer.getmany(timeout_ms=50)).items():
                topic = partition.topic.removeprefix(plan.topic_prefix)
                said[topic] += b"\n".join(
                    repr((record.key, record.headers)).encode() + b"\n" + (record.value or b"")
                    for record in records
                )
    return {f"topic {topic}": content for topic, content in said.items()}


async def _columns(course: Course) -> dict[str, bytes]:
    """Every row of every table of every service, as text; bytes stand there as hex."""
    said: dict[str, bytes] = {}
    for service, database in course.running.databases.items():
        url = make_url(database.url).set(drivername="postgresql")
        connection = await asyncpg.connect(url.render_as_string(hide_password=False))
        try:
            tables = await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            for (table,) in tables:
                rows = await connection.fetch(f'SELECT t::text FROM "{table}" AS t')
                said[f"table {service}.{table}"] = "\n".join(row[0] for row in rows).encode()
        finally:
            await connection.close()
    return said


def _files(course: Course) -> dict[str, bytes]:
    """The logs of services and database server, and the traces. The vendors' own are theirs."""
    files = [path for kind in ("*.log", "*.trace") for path in course.folder.rglob(kind)]
    return {f"file {path.name}": path.read_bytes() for path in files if path.name != "outside.log"}


async def _answers(course: Course, path: str) -> dict[str, bytes]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answers = [await client.send(course.ask(service, path)) for service in SERVICES]
    assert [answer.status_code for answer in answers] == [200] * len(SERVICES)
    return {
        f"{path} of {service}": answer.content
        for service, answer in zip(SERVICES, answers, strict=True)
    }


def test_the_course_was_lived_through(course: Course) -> None:
    assert course.lived.wrong == []
    documents = list((course.folder / "superbills").rglob("*.pdf"))
    assert sorted(path.name[:3] for path in documents) == ["GFE", *["SB-"] * 6]
    assert {path.read_bytes()[:5] for path in documents} == {b"%PDF-"}


async def test_the_canary_is_in_no_topic(course: Course) -> None:
    topics = await _topics(course)
    assert all(topics.values()), "every service said something"
    assert found_in(topics) == []


async def test_the_canary_is_in_no_column_in_clear(course: Course) -> None:
    columns = await _columns(course)
    published = columns.pop("table billing.diagnosis_codes")
    assert len(published.splitlines()) > 100, "CMS's list, the same whoever is treated"
    assert columns["table scheduling.patients"]
    assert columns["table billing.superbills"]
    assert found_in(columns) == []


async def test_all_that_a_course_left_sealed_comes_under_another_key_and_back(
    course: Course,
) -> None:
    """The older key is taken away in between, so nothing opens that was left under it."""
    first = course.running.plan.keys.vault_keys
    other = "other:" + base64.b64encode(b"o" * 32).decode()
    for service in SERVICES:
        there = await _reseal(course, service, f"{other},{first}")
        assert there > 0
        assert await _reseal(course, service, other) == 0
        assert await _reseal(course, service, f"{first},{other}") == there


async def _reseal(course: Course, service: str, vault_keys: str) -> int:
    database_url = course.running.databases[service].url
    environment = course.running.plan.environment(
        service, bootstrap_servers="not:1", database_url=database_url
    )
    job = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}", "reseal"),
        cwd=ROOT,
        env={**os.environ, **environment, "PRACTICE_VAULT_KEYS": vault_keys},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await job.communicate()
    assert job.returncode == 0
    return int(said.split()[1])


async def test_the_canary_is_in_no_log_and_no_trace(course: Course) -> None:
    files = _files(course)
    for service in SERVICES:
        assert files[f"file {service}.log"]
        assert files[f"file {service}.trace"]
    assert found_in(files) == []


async def test_the_canary_is_in_no_metric(course: Course) -> None:
    assert found_in(await _answers(course, "/metrics")) == []


def test_stripe_knows_nothing_of_the_canary(course: Course) -> None:
    stripe = course.lived.truth["stripe"]
    assert "39900" in json.dumps(stripe)
    assert found_in({"stripe": json.dumps(stripe).encode()}) == []


@pytest.mark.parametrize("vendor", NEEDED_BY)
def test_a_vendor_knows_of_the_canary_what_its_job_needs(course: Course, vendor: str) -> None:
    truth = json.dumps(course.lived.truth[vendor]).encode()
    known = {name for _, name in found_in({vendor: truth})}
    assert known == NEEDED_BY[vendor]


async def test_what_is_refused_or_parked_shows_the_canary_nowhere(course: Course) -> None:
    """Comes last: it puts the canary where a hostile client or producer would."""
    problems = await _refused(course)
    await _send_hostile(course)
    for service in ("pharmacy", "notifications"):
        await eventually(lambda service=service: _parked(course, service), within_s=20)
    said = problems | await _answers(course, "/operations/parked")
    said |= _files(course) | await _answers(course, "/metrics")
    assert b"bad_schema" in said["/operations/parked of pharmacy"]
    assert found_in(said) == []


async def _refused(course: Course) -> dict[str, bytes]:
    """What a service answers to requests that are full of the canary, and wrong."""
    url = course.running.plan.url("scheduling")
    token = course.ask("scheduling", "/", role=Role.FRONT_DESK).headers["Authorization"]
    everything = " ".join(FIELDS.values())
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
        answers = [
            await client.post(
                path, json=body, headers={"Authorization": token, "Idempotency-Key": uuid4().hex}
            )
            for path, body in {
                "/patients": {"first_name": everything, "phone": everything, everything: 1},
                "/series": {"patient_id": everything, "diagnoses": [everything]},
                f"/appointments/{everything}/ride": {"mode": everything},
            }.items()
        ]
    assert min(answer.status_code for answer in answers) >= 400
    return {"problems": b"".join(answer.content for answer in answers)}


async def _send_hostile(course: Course) -> None:
    """A record as no producer of ours would write it: patient data, and not the schema."""
    plan, key = course.running.plan, str(uuid4())
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_type": "scheduling.PatientUpdated",
        "ce_source": "/practice/scheduling",
        "ce_dataschema": "urn:practice:event:scheduling.PatientUpdated:1",
        "x-note": " ".join(FIELDS.values()),
    }
    assert course.running.kafka is not None
    producer = AIOKafkaProducer(bootstrap_servers=course.running.kafka.bootstrap_servers)
    await producer.start()
    try:
        async with asyncio.timeout(10):
            await producer.send_and_wait(
                f"{plan.topic_prefix}scheduling",
                key=key.encode(),
                value=json.dumps({"patient_id": key, "updated_at": FIELDS, **FIELDS}).encode(),
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
    finally:
        await producer.stop()


async def _parked(course: Course, service: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.send(course.ask(service, "/operations/parked"))
    return len(answer.json()["items"]) == 1


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("dress", ["plain", "capitals", "hex", "base64", "a URL"])
def test_a_leaked_field_is_found_in_any_dress(name: str, dress: str) -> None:
    value = FIELDS[name]
    leaked = {
        "plain": f"patient {value}!".encode(),
        "capitals": f"patient {value.upper()}!".encode(),
        "hex": b"\\x01" + value.encode().hex().encode(),
        "base64": base64.b64encode(f"of {value} and others".encode()),
        "a URL": f"/search?q={quote(value)}".encode(),
    }[dress]
    if dress == "base64" and len(value) < 8:
        pytest.skip("too short to be told from chance in base64")
    assert ("log", name) in found_in({"log": leaked})


def test_what_is_no_canary_is_not_found() -> None:
    assert found_in({"log": b"InfusionCompleted 39900 ketamine_mood 2027-01-22 F33.1"}) == []
