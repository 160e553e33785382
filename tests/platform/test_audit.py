"""The audit log only grows, in one unbroken chain, and shows where somebody touched it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import audit, db
from shared.audit import Head
from shared.auth import Actor, Role
from shared.clock import FixedClock
from shared.messaging import Handlers, UnitOfWork

NURSE = Actor("staff-7", frozenset({Role.NURSE}))
PATIENT = UUID(int=7)


@pytest.fixture
def unit(engine: AsyncEngine) -> UnitOfWork:
    return UnitOfWork(
        engine, FixedClock(datetime(2026, 11, 2, 14, 0, tzinfo=UTC)), Handlers("test")
    )


async def read_once(unit: UnitOfWork) -> None:
    async with unit.transaction() as tx:
        audit.append(
            tx,
            NURSE,
            action="read",
            entity="GET /patients/{patient_id}",
            entity_id=str(PATIENT),
            patient_id=PATIENT,
            purpose="treatment",
            details={"attempts": 1, "kind": Role.NURSE},
        )


async def test_an_entry_says_who_did_what_about_whom_and_why(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    await read_once(unit)
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT * FROM audit_log"))).one()
    assert (row.seq, row.actor, row.role) == (1, "staff-7", "nurse")
    assert (row.action, row.entity_id, row.patient_id) == ("read", str(PATIENT), PATIENT)
    assert (row.purpose, row.outcome) == ("treatment", "ok")
    assert row.details == {"attempts": 1, "kind": "nurse"}
    assert row.at == datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


async def test_twenty_writers_at_once_leave_one_chain_without_gaps(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async def writer(n: int) -> None:
        for turn in range(5):
            try:
                async with unit.transaction() as tx:
                    audit.append(tx, NURSE, action="write", entity="visit")
                    audit.append(tx, NURSE, action="read", entity="visit")
                    if (n + turn) % 4 == 0:
                        raise LookupError("this one is rolled back")
            except LookupError:
                continue

    await asyncio.gather(*(writer(n) for n in range(20)))
    async with engine.connect() as connection:
        numbers = (await connection.execute(text("SELECT seq FROM audit_log ORDER BY seq"))).all()
        assert [row.seq for row in numbers] == list(range(1, 151))
        assert await audit.verify(connection) is None


async def test_an_entry_written_by_hand_is_chained_all_the_same(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    await read_once(unit)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO audit_log VALUES (99, now(), 'dba', 'x', 'read', 'x', NULL, NULL,"
                " NULL, 'ok', gen_random_uuid(), '{}', 'made up', 'made up')"
            )
        )
    await read_once(unit)
    async with engine.connect() as connection:
        assert await audit.verify(connection) is None
        assert (await audit.head(connection) or Head(0, b"")).seq == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ],
)
async def test_the_log_can_only_grow(unit: UnitOfWork, engine: AsyncEngine, statement: str) -> None:
    await read_once(unit)
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("tampering", "found_at"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE seq = 3", 3),
        ("UPDATE audit_log SET patient_id = NULL WHERE seq = 2", 2),
        ("UPDATE audit_log SET purpose = outcome, outcome = purpose WHERE seq = 4", 4),
        ("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 1", 1),
        ("UPDATE audit_log SET details = '{}' WHERE seq = 5", 5),
        ("UPDATE audit_log SET hash = sha256('x') WHERE seq = 3", 3),
        ("UPDATE audit_log SET role = 'nobody' WHERE seq = 3", 3),
        ("UPDATE audit_log SET action = 'x' WHERE seq = 3", 3),
        ("UPDATE audit_log SET entity = 'x' WHERE seq = 3", 3),
        ("UPDATE audit_log SET entity_id = 'x' WHERE seq = 3", 3),
        ("UPDATE audit_log SET purpose = 'x' WHERE seq = 3", 3),
        ("UPDATE audit_log SET outcome = 'x' WHERE seq = 3", 3),
        ("UPDATE audit_log SET correlation_id = gen_random_uuid() WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq <= 2", 1),
        ("UPDATE audit_log SET seq = 9 WHERE seq = 5", 5),
        ("SELECT 1", None),
    ],
)
async def test_tampering_is_found_and_its_place_named(
    unit: UnitOfWork, engine: AsyncEngine, tampering: str, found_at: int | None
) -> None:
    for _ in range(5):
        await read_once(unit)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        await connection.execute(text(tampering))
        assert await audit.verify(connection) == found_at


REHASH = f"UPDATE audit_log AS a SET hash = {audit._CHAINED.format('a')} WHERE seq = "
RELINK = (
    "UPDATE audit_log SET previous_hash = (SELECT hash FROM audit_log WHERE seq = 1) WHERE seq = 3"
)


@pytest.mark.parametrize(
    ("forgery", "found_at"),
    [
        (("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2", REHASH + "2"), 3),
        (("DELETE FROM audit_log WHERE seq = 2", RELINK, REHASH + "3"), 2),
        (
            (
                "ALTER TABLE audit_log ALTER hash DROP NOT NULL",
                "UPDATE audit_log SET actor = 'nobody', hash = NULL WHERE seq = 3",
            ),
            3,
        ),
    ],
    ids=["changed and hashed anew", "taken out and linked anew", "left without a hash"],
)
async def test_a_forger_who_knows_how_entries_are_hashed_is_found_too(
    unit: UnitOfWork, engine: AsyncEngine, forgery: tuple[str, ...], found_at: int
) -> None:
    for _ in range(3):
        await read_once(unit)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        for step in forgery:
            await connection.execute(text(step))
        assert await audit.verify(connection) == found_at


async def test_cutting_off_the_newest_entries_is_found_with_a_head_kept_elsewhere(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        assert await audit.head(connection) is None
    for _ in range(3):
        await read_once(unit)
    async with engine.begin() as connection:
        head = await audit.head(connection)
        assert head is not None
        assert head.seq == 3
        assert await audit.verify(connection, head) is None
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        await connection.execute(text("DELETE FROM audit_log WHERE seq = 3"))
        await connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER USER"))
        assert await audit.verify(connection) is None
        assert await audit.verify(connection, head) == 3
    await read_once(unit)
    async with engine.connect() as connection:
        assert await audit.verify(connection) is None
        assert await audit.verify(connection, head) == 3


async def test_a_value_cannot_be_moved_from_one_column_into_the_next(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async with unit.transaction() as tx:
        audit.append(tx, Actor('a","b', frozenset({Role.OPS})), action="read", entity="x|y")
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        await connection.execute(text("UPDATE audit_log SET action = 'read|x', entity = 'y'"))
        assert await audit.verify(connection) == 1


async def test_details_hold_only_what_logs_may_hold(unit: UnitOfWork) -> None:
    async with unit.transaction() as tx:
        with pytest.raises(LookupError, match="patient_name"):
            audit.append(
                tx, NURSE, action="read", entity="x", details={"patient_name": "Testa Canary"}
            )


async def test_the_tables_in_code_are_those_of_the_migrations(engine: AsyncEngine) -> None:
    differences = await db.drift(engine, MetaData())
    assert [found for found in differences if "orders" not in str(found)] == []


async def test_an_entry_of_a_transaction_that_fails_is_not_written(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    with suppress(LookupError):
        async with unit.transaction() as tx:
            audit.append(tx, NURSE, action="write", entity="x")
            raise LookupError
    async with engine.connect() as connection:
        assert await audit.head(connection) is None
