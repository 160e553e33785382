"""A request is decided once; refusals are explained; every route is closed unless it says so."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import audit
from shared.auth import Role, Tokens, assert_closed, development_token
from shared.errors import Misconfigured
from shared.ids import new_id
from tests.platform.conftest import SECRET, bearer

DESK = bearer(Role.FRONT_DESK)
CANARY = "Testa Canary +1 202-555-0147"


def key(value: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": value or str(new_id())}


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
    assert refused.json()["violations"] == [
        {"field": "chair", "rule": "chair_taken", "detail": "That chair is taken."}
    ]
    assert await count(engine, "orders") == 0
    assert await count(engine, "idempotency_keys") == 0


async def test_a_post_without_a_key_is_told_what_is_missing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders", json={"chair": "a"}, headers=DESK)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        (bearer(Role.NURSE), 403),
        (
            {
                "Authorization": "Bearer "
                + development_token(
                    "another-secret-" * 3, env="development", subject="x", roles=set(Role)
                )
            },
            401,
        ),
    ],
)
async def test_a_route_is_closed_to_whoever_lacks_the_role(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/orders", json={"chair": "a"}, headers=headers | key())
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_an_app_with_a_silent_route_does_not_start(app: Any) -> None:
    router = APIRouter()

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    assert_closed(app)
    app.include_router(router)
    with pytest.raises(Misconfigured, match="GET /forgotten"):
        assert_closed(app)


def test_production_has_no_development_tokens() -> None:
    with pytest.raises(Misconfigured):
        development_token(SECRET, env="production", subject="x", roles={Role.OPS})


def test_a_token_with_an_unknown_role_speaks_for_nobody() -> None:
    assert Tokens(SECRET).actor("a.b.c") is None


async def test_what_was_sent_is_never_echoed_in_a_problem(client: httpx.AsyncClient) -> None:
    invalid = await client.post(
        "/orders", json={"chair": {"nested": CANARY}, "patient_name": 7}, headers=DESK | key()
    )
    broken = await client.post(
        "/orders", json={"chair": "broken", "patient_name": CANARY}, headers=DESK | key()
    )
    assert (invalid.status_code, broken.status_code) == (422, 500)
    assert "Canary" not in invalid.text + broken.text
    assert broken.json()["correlation_id"]


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
        assert [row.action for row in rows].count("read") == 20
        assert {row.patient_id for row in rows if row.action == "read"} == {patient}
        assert await audit.verify(connection) is None


async def test_the_audit_log_can_only_grow_and_shows_where_it_was_tampered_with(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    for _ in range(5):
        await client.get(f"/patients/{new_id()}", headers=bearer(Role.NURSE))
    for statement in (
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ):
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append-only"):
                await connection.execute(text(statement))
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER audit_append_only"))
        await connection.execute(text("UPDATE audit_log SET actor = 'nobody' WHERE seq = 3"))
        assert await audit.verify(connection) == 3
