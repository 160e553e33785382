"""The audit log: who read or wrote what about whom. Append-only and hash-chained.

Each entry's hash covers the entry and the hash before it, so an entry that is changed or missing
breaks the chain from there on. The hash is computed by a trigger inside the database, with its
built-in sha256: no code path of ours can forget it. Writers take one advisory lock, held from the
entry to the commit, so the chain has one order. UPDATE, DELETE and TRUNCATE are refused by trigger.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from shared.auth import Actor
from shared.db import BackboneBase
from shared.messaging.transaction import Transaction

LOCK = 7_041_003


class AuditEntry(BackboneBase, table=True):
    """One read or write. Ids and codes only; `details` is for allow-listed facts."""

    __tablename__ = "audit_log"

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    entity: str = Field(sa_column=Column(Text, nullable=False))
    patient_id: UUID | None = None
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    correlation_id: UUID
    details: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default="{}"))
    previous_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


_CHAINED = """sha256(convert_to(concat_ws('|', {0}.seq, extract(epoch FROM {0}.at), {0}.actor,
    {0}.role, {0}.action, {0}.entity, {0}.patient_id, {0}.outcome, {0}.correlation_id,
    {0}.details), 'UTF8') || {0}.previous_hash)"""

AUDIT_DDL = (
    """
    CREATE TABLE audit_log (
        seq bigint GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        role text NOT NULL,
        action text NOT NULL,
        entity text NOT NULL,
        patient_id uuid,
        outcome text NOT NULL,
        correlation_id uuid NOT NULL,
        details jsonb NOT NULL DEFAULT '{}',
        previous_hash bytea NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_log PRIMARY KEY (seq)
    )
    """,
    f"""
    CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.previous_hash := coalesce(
            (SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1), ''::bytea);
        NEW.hash := {_CHAINED.format("NEW")};
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    "CREATE TRIGGER audit_chain BEFORE INSERT ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION audit_chain()",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_log"
    " FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
)

_APPEND = text(
    """
    INSERT INTO audit_log (at, actor, role, action, entity, patient_id, outcome, correlation_id,
                           details, previous_hash, hash)
    VALUES (:at, :actor, :role, :action, :entity, :patient_id, :outcome, :correlation_id,
            CAST(:details AS jsonb), '', '')
    """
)

_FIRST_BROKEN = text(
    f"""
    SELECT seq FROM (
        SELECT a.*, lag(hash, 1, ''::bytea) OVER (ORDER BY seq) AS before FROM audit_log AS a
    ) AS a
     WHERE previous_hash <> before OR hash <> {_CHAINED.format("a")}
     ORDER BY seq LIMIT 1
    """
)


def append(
    tx: Transaction,
    actor: Actor,
    *,
    action: str,
    entity: str,
    patient_id: UUID | None = None,
    outcome: str = "ok",
) -> None:
    """Note who did what, in the transaction that does it, as its last write."""
    entry = {
        "at": tx.now,
        "actor": actor.subject,
        "role": actor.role,
        "action": action,
        "entity": entity,
        "patient_id": patient_id,
        "outcome": outcome,
        "correlation_id": tx.correlation_id,
        "details": "{}",
    }

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        await connection.execute(_APPEND, entry)

    tx.at_end(write)


async def first_broken(connection: AsyncConnection) -> int | None:
    """The first entry that does not fit the chain, or `None` when all do."""
    return (await connection.execute(_FIRST_BROKEN)).scalar()
