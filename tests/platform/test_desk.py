"""A request is decided once, a lost race is run again, and a refusal leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import audit
from shared.auth import Role, allow
from shared.http.desk import TRIES, AtDesk
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from tests.platform.conftest import CHAIR_TAKEN, Placed, bearer

DESK = bearer(Role.FRONT_DESK)
CANARY = "Testa Canary +1 202-555-0147"


def key(value: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": str(new_id()) if value is None else value}


async def count(engine: AsyncEngine, table: str) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def test_the_same_request_again_gets_the_kept_answer_and_no_second_effect(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    first = await client.post("/orders", json={"chair": "a"}, headers=DESK | key("k1"))
    again = await client.post("/orders", json={"chair": "a"}, headers=DESK | key("k1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await count(engine, "orders") == 1


async def test_a_used_key_under_another_request_is_refused(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    await client.post("/orders", json={"chair": "a"}, headers=DESK | key("k1"))
    other = await client.post("/orders", json={"chair": "b"}, headers=DESK | key("k1"))
    assert other.status_code == 422
    assert other.json()["violations"][0]["rule"] == "idempotency_key_reused"
    assert await count(engine, "orders") == 1


async def test_a_used_key_under_the_same_body_and_another_address_is_refused(
    client: httpx.AsyncClient,
) -> None:
    for address, status in (("/orders", 201), ("/orders?room=b", 422), ("/orders", 201)):
        answer = await client.post(address, json={"chair": "a"}, headers=DESK | key("k1"))
        assert answer.status_code == status
        if status != 201:
            assert answer.json()["violations"][0]["rule"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("method", "address", "known"),
    [
        ("GET", "/orders?day=2026-10-05&limit=5", "known here are cursor, limit, order"),
        ("POST", "/orders?day=2026-10-05", "known here are room"),
        ("GET", f"/patients/{UUID(int=404)}?day=2026-10-05", "none is known here"),
    ],
)
async def test_a_name_in_the_address_that_is_not_known_is_refused_with_those_that_are(
    client: httpx.AsyncClient, engine: AsyncEngine, method: str, address: str, known: str
) -> None:
    """Ignored, it would show every day to whoever asked for one."""
    headers = bearer(Role.FRONT_DESK, Role.NURSE) | key("k1")
    answer = await client.request(method, address, json={"chair": "a"}, headers=headers)
    assert answer.status_code == 422
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("unknown_parameter", "day")
    assert known in violation["detail"]
    assert await count(engine, "orders") == 0


async def test_twenty_at_once_under_one_key_have_one_effect_and_one_answer(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    answers = await asyncio.gather(
        *(client.post("/orders", json={"chair": "a"}, headers=DESK | key("k")) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await count(engine, "orders") == 1


async def test_a_refusal_stores_nothing_and_its_key_may_be_tried_again(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    refused = await client.post("/orders", json={"chair": "taken"}, headers=DESK | key("k"))
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["title"] == "The order is not placed"
    assert [one["rule"] for one in refused.json()["violations"]] == [
        "chair_taken",
        "unknown_visit_type",
    ]
    said = {name: value for name, value in asdict(CHAIR_TAKEN).items() if value is not None}
    assert refused.json()["violations"][0] == said
    assert await count(engine, "orders") == 0
    assert await count(engine, "idempotency_keys") == 0


async def test_a_post_without_a_key_is_told_what_is_missing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders", json={"chair": "a"}, headers=DESK)
    assert answer.status_code == 400
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("idempotency_key", "Idempotency-Key")
    assert "Idempotency-Key" in violation["detail"]
    assert violation["source"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"chair": "a", "chair": "b"}', "chair"),
        (b'{"chair": "a", "\\u0063hair": "b"}', "chair"),
        (b'{"chair": {"at": [{"x": 1, "x": 1}]}}', "x"),
        (b'{"Testa Canary": 1, "Testa Canary": 2}', "?"),
    ],
)
async def test_what_is_said_twice_is_refused_for_a_parser_would_keep_the_last(
    client: httpx.AsyncClient, engine: AsyncEngine, body: bytes, field: str
) -> None:
    headers = DESK | key() | {"Content-Type": "application/json"}
    answer = await client.post("/orders", content=body, headers=headers)
    assert answer.status_code == 422
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("said_twice", field)
    assert violation["source"].startswith("RFC 7493")
    assert await count(engine, "orders") == 0


@pytest.mark.parametrize("body", [b'{"chair": "\xff"}', b"[" * 50_000 + b"]" * 50_000])
async def test_a_body_that_is_no_json_is_told_so_with_the_rule(
    client: httpx.AsyncClient, body: bytes
) -> None:
    headers = DESK | key() | {"Content-Type": "application/json"}
    answer = await client.post("/orders", content=body, headers=headers)
    assert answer.status_code == 400
    [violation] = answer.json()["violations"]
    assert violation["rule"] == "json_invalid"
    assert violation["source"].startswith("RFC 8259")


async def test_reads_and_writes_of_patients_stand_in_an_unbroken_audit_log(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    patient = new_id()
    await asyncio.gather(
        *(client.get(f"/patients/{patient}", headers=bearer(Role.NURSE)) for _ in range(20)),
        *(client.post("/orders", json={"chair": "a"}, headers=DESK | key()) for _ in range(5)),
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT * FROM audit_log ORDER BY seq"))).all()
        assert Counter(row.action for row in rows) == {"read": 20, "write": 5}
        assert {row.patient_id for row in rows if row.action == "read"} == {patient}
        assert await audit.verify(connection) is None


async def test_a_kept_answer_that_is_shown_again_is_a_read_of_its_patient(
    client: httpx.AsyncClient, app: FastAPI, engine: AsyncEngine
) -> None:
    patient = new_id()
    router = APIRouter()

    async def held(_: Transaction) -> Placed:
        return Placed(order_id=new_id(), patient_id=patient, patient_name=CANARY)

    @router.post("/holds", dependencies=[allow(Role.FRONT_DESK)])
    async def hold(desk: AtDesk, room: str | None = None) -> Placed:
        assert room is None or room
        return await desk.decide(held, purpose="booking")

    app.include_router(router)
    first, *again = [await client.post("/holds", headers=DESK | key("k1")) for _ in range(3)]
    assert {answer.text for answer in again} == {first.text}
    other = await client.post("/holds?room=b", headers=DESK | key("k1"))
    assert other.status_code == 422
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT * FROM audit_log ORDER BY seq"))).all()
        assert await audit.verify(connection) is None
    assert [row.action for row in rows] == ["write", "read", "read"]
    assert {(row.entity, row.patient_id, row.purpose, row.outcome) for row in rows} == {
        ("POST /holds", patient, "booking", "ok")
    }


async def test_a_read_is_noted_with_its_purpose_and_a_refused_one_too(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    nobody = UUID(int=404)
    headers = bearer(Role.NURSE) | {"X-Correlation-Id": str(UUID(int=9))}
    answer = await client.get(f"/patients/{nobody}", headers=headers)
    assert answer.status_code == 404
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT * FROM audit_log"))).one()
    assert (row.actor, row.role, row.purpose) == ("staff-1", "nurse", "treatment")
    assert (row.entity, row.entity_id) == ("GET /patients/{patient_id}", str(nobody))
    assert (row.outcome, row.details) == ("refused", {"code": "unknown_patient"})
    assert (row.patient_id, row.correlation_id) == (nobody, UUID(int=9))


async def test_a_kept_answer_is_sealed_and_opens_for_the_same_request_only(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    body = {"chair": "a", "patient_name": CANARY}
    first = await client.post("/orders", json=body, headers=DESK | key("k1"))
    assert first.json()["patient_name"] == CANARY
    async with engine.begin() as connection:
        kept = (await connection.execute(text("SELECT * FROM idempotency_keys"))).one()
        assert b"Canary" not in b"".join(v for v in kept if isinstance(v, bytes))
        await connection.execute(text("UPDATE idempotency_keys SET key = 'k2'"))
    moved = await client.post("/orders", json=body, headers=DESK | key("k2"))
    assert moved.status_code == 500
    assert "Canary" not in moved.text


async def test_a_key_belongs_to_whoever_used_it(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    for subject in ("staff-1", "staff-2"):
        who = bearer(Role.FRONT_DESK, subject=subject)
        answer = await client.post("/orders", json={"chair": "a"}, headers=who | key("k1"))
        assert "Idempotent-Replayed" not in answer.headers
    assert await count(engine, "orders") == 2


@pytest.mark.parametrize("bad", ["", "a b", "ümlaut", "x" * 201, "tab\t"])
async def test_a_key_that_no_log_or_table_should_hold_is_refused(
    client: httpx.AsyncClient, bad: str
) -> None:
    headers = {name.encode(): value.encode() for name, value in (DESK | key(bad)).items()}
    answer = await client.post("/orders", json={"chair": "a"}, headers=headers)
    assert answer.status_code == 400
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("idempotency_key", "Idempotency-Key")
    assert "Idempotency-Key" in violation["detail"]
    assert violation["source"]


async def test_a_request_that_waits_too_long_for_its_twin_is_told_to_come_back(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    @event.listens_for(engine.sync_engine, "begin")
    def impatient(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")

    async with engine.begin() as twin:  # has claimed the key and does not end
        await twin.execute(
            text("INSERT INTO idempotency_keys VALUES ('staff-1', 'k', '', 0, '', now())")
        )
        answer = await client.post("/orders", json={"chair": "a"}, headers=DESK | key("k"))
        await twin.rollback()
    assert answer.status_code == 409
    assert answer.json()["violations"][0]["rule"] == "race_lost"
    again = await client.post("/orders", json={"chair": "a"}, headers=DESK | key("k"))
    assert again.status_code == 201


class Race:
    """A decider that loses its race a given number of times."""

    def __init__(self, state: str, losses: int) -> None:
        self.state, self.losses, self.runs = state, losses, 0

    async def __call__(self, tx: Transaction) -> Placed:
        self.runs += 1
        if self.runs <= self.losses:
            await tx.execute(
                text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{self.state}'; END $$")
            )
        return Placed(order_id=new_id())


@pytest.mark.parametrize(
    ("state", "losses", "status", "runs"),
    [
        ("40001", 2, 201, 3),
        ("40P01", 2, 201, 3),
        ("23P01", 2, 201, 3),
        ("23505", 1, 201, 2),
        ("40001", 99, 409, TRIES),
        ("23P01", 99, 409, TRIES),
        ("23505", 99, 500, TRIES),
        ("23514", 99, 500, 1),
    ],
)
async def test_a_lost_race_is_run_again_a_bounded_number_of_times(
    app: FastAPI, client: httpx.AsyncClient, state: str, losses: int, status: int, runs: int
) -> None:
    race = Race(state, losses)
    router = APIRouter()

    @router.post("/race", dependencies=[allow(Role.FRONT_DESK)])
    async def run(desk: AtDesk) -> Placed:
        return await desk.decide(race)

    app.include_router(router)
    answer = await client.post("/race", headers=DESK | key())
    assert (answer.status_code, race.runs) == (status, runs)


async def test_forty_racing_for_one_chair_leave_one_winner_and_clear_refusals(
    app: FastAPI, client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE UNIQUE INDEX one_each ON orders (chair)"))
    router = APIRouter()

    async def take(tx: Transaction) -> Placed | Refused:
        if (await tx.execute(text("SELECT 1 FROM orders WHERE chair = 'c'"))).first():
            return Refused.because("chair_taken", "That chair is taken.", source="made up")
        placed = Placed(order_id=new_id())
        await tx.execute(text("INSERT INTO orders VALUES (:id, 'c')"), {"id": placed.order_id})
        return placed

    @router.post("/take", dependencies=[allow(Role.FRONT_DESK)])
    async def run(desk: AtDesk) -> Placed:
        return await desk.decide(take)

    app.include_router(router)
    answers = await asyncio.gather(*(client.post("/take", headers=DESK | key()) for _ in range(40)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (1, 39)
    assert {a.json()["violations"][0]["rule"] for a in answers if a.status_code == 409} == {
        "chair_taken"
    }
    assert await count(engine, "orders") == 1


async def test_a_put_needs_no_key_and_a_posts_own_status_is_answered(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    router = APIRouter()

    async def done(_: Transaction) -> Placed:
        return Placed(order_id=new_id())

    @router.put("/done", dependencies=[allow(Role.FRONT_DESK)])
    async def put(desk: AtDesk) -> Placed:
        return await desk.decide(done)

    @router.post("/done", status_code=202, dependencies=[allow(Role.FRONT_DESK)])
    async def post(desk: AtDesk) -> Placed:
        return await desk.decide(done)

    app.include_router(router)
    assert (await client.put("/done", headers=DESK)).status_code == 200
    first = await client.post("/done", headers=DESK | key("k"))
    again = await client.post("/done", headers=DESK | key("k"))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
