"""A database comes under the newest key while its service runs, and an older key may then go."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select, text, update
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.auth import Role
from shared.db import BackboneBase
from shared.errors import Poison
from shared.http.idempotency import IdempotencyKey
from shared.ids import new_id
from shared.sealed import BATCH, Sealed, _reseal_one, reseal
from shared.vault import Vault
from tests.platform.conftest import VAULT_KEYS, bearer

NEWER = "k2:" + base64.b64encode(b"2" * 32).decode()
OLD, BOTH, NEW = Vault(VAULT_KEYS), Vault(f"{NEWER},{VAULT_KEYS}"), Vault(NEWER)
CANARY = "Testa Canary"

METADATA = MetaData()
NOTES = Table(
    "notes",
    METADATA,
    Column("visit_id", PG_UUID, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("note", Sealed),
)


def place(visit: UUID) -> dict[str, Any]:
    return {"table": "notes", "column": "note", "row": visit}


def opened(vault: Vault, rows: dict[tuple[UUID, int], Any]) -> set[int]:
    found = [vault.open(bytes(note), **place(visit)) for (visit, _), note in rows.items() if note]
    return {one["n"] for one in found}


@pytest.fixture
async def visits(engine: AsyncEngine) -> list[UUID]:
    """Visits with three notes each, more than two batches of them, and one that has none."""
    visits = [new_id() for _ in range(BATCH)]
    notes = [
        {"visit_id": visit, "line": line, "note": OLD.seal({"n": 3 * n + line}, **place(visit))}
        for n, visit in enumerate(visits)
        for line in range(3)
    ]
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.execute(NOTES.insert(), notes)
        await connection.execute(NOTES.insert(), {"visit_id": new_id(), "line": 0, "note": None})
    return visits


async def rows(engine: AsyncEngine) -> dict[tuple[UUID, int], Any]:
    async with engine.connect() as connection:
        return {
            (one.visit_id, one.line): one.note for one in await connection.execute(select(NOTES))
        }


async def test_every_value_comes_under_the_newest_key_and_the_older_may_go(
    engine: AsyncEngine, visits: list[UUID]
) -> None:
    everything = set(range(3 * len(visits)))
    assert await reseal(engine, [METADATA], BOTH) == len(everything)
    assert opened(NEW, await rows(engine)) == everything
    assert await reseal(engine, [METADATA], BOTH) == 0


async def test_what_stopped_half_way_goes_on_where_it_stopped(
    engine: AsyncEngine, visits: list[UUID]
) -> None:
    broken = NOTES.c.visit_id == visits[-1]
    async with engine.begin() as connection:
        await connection.execute(update(NOTES).where(broken).values(note=b"no value of ours"))
    with pytest.raises(Poison, match="sealed_format"):
        await reseal(engine, [METADATA], BOTH)
    async with engine.begin() as connection:
        await connection.execute(NOTES.delete().where(broken))
    before = await rows(engine)
    done = [note for note in before.values() if note and bytes(note).startswith(BOTH.mark)]
    assert len(done) == 3 * (len(visits) - 1)
    assert await reseal(engine, [METADATA], BOTH) == 0
    assert await rows(engine) == before


async def test_a_note_that_is_written_anew_meanwhile_is_not_overwritten(
    engine: AsyncEngine, visits: list[UUID]
) -> None:
    visit = visits[0]
    read = bytes((await rows(engine))[visit, 0])
    anew = BOTH.seal({"n": 4711}, **place(visit))
    async with engine.begin() as connection:
        await connection.execute(
            update(NOTES).where(NOTES.c.visit_id == visit, NOTES.c.line == 0).values(note=anew)
        )
    assert await _reseal_one(engine, NOTES.c.note, [visit, 0], read, BOTH) == 0
    assert bytes((await rows(engine))[visit, 0]) == anew


async def test_an_answer_that_is_kept_for_its_key_comes_along(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    headers = bearer(Role.FRONT_DESK) | {"Idempotency-Key": "k1"}
    body = {"chair": "a", "patient_name": CANARY}
    first = await client.post("/orders", json=body, headers=headers)
    assert first.status_code == 201
    assert await reseal(engine, [BackboneBase.metadata], BOTH) == 1
    async with engine.connect() as connection:
        kept = bytes(
            (await connection.execute(text("SELECT answer FROM idempotency_keys"))).scalar_one()
        )
    row = IdempotencyKey.__table__.info["place"]("staff-1", "k1")  # type: ignore[attr-defined]  # every table=True model has one
    shown = NEW.open_bytes(kept, table="idempotency_keys", column="answer", row=row)
    assert shown == first.content
