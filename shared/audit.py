"""The audit log: who read or wrote what about whom. Append-only and hash-chained.

Each entry's hash covers the entry and the hash before it, so an entry that is changed, moved or
missing breaks the chain from there on; numbers have no gaps, so a missing one is named. Number and
hashes are computed by a trigger inside the database, with its built-in sha256 over a JSON array of
the columns: whoever inserts, by whatever path, is chained, and no code of ours can forget it. The
trigger takes one advisory lock, held from the entry to the commit, so the chain has one order;
`append` therefore writes last. UPDATE, DELETE and TRUNCATE are refused by trigger.

A chain cannot show that its newest entries were cut off. `head` gives the number and hash to keep
somewhere else, and `verify` takes them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Column, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from shared import logs
from shared.auth import Actor
from shared.columns import moment
from shared.db import BackboneBase
from shared.messaging.transaction import Transaction


class AuditEntry(BackboneBase, table=True):
    """One read or write. Ids and codes only; `details` is for allow-listed facts."""

    __tablename__ = "audit_log"

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_column=moment())
    actor: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    entity: str = Field(sa_column=Column(Text, nullable=False))
    entity_id: str | None = Field(sa_column=Column(Text))
    patient_id: UUID | None = None
    purpose: str | None = Field(sa_column=Column(Text))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    correlation_id: UUID
    details: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default="{}"))
    previous_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


_CHAINED = """sha256(convert_to(jsonb_build_array({0}.seq, extract(epoch FROM {0}.at), {0}.actor,
    {0}.role, {0}.action, {0}.entity, {0}.entity_id, {0}.patient_id, {0}.purpose, {0}.outcome,
    {0}.correlation_id, {0}.details)::text, 'UTF8') || {0}.previous_hash)"""
"""What the trigger of migration 0002 computes."""

_APPEND = text(
    """
    INSERT INTO audit_log (seq, at, actor, role, action, entity, entity_id, patient_id, purpose,
                           outcome, correlation_id, details, previous_hash, hash)
    VALUES (0, :at, :actor, :role, :action, :entity, :entity_id, :patient_id, :purpose,
            :outcome, :correlation_id, CAST(:details AS jsonb), '', '')
    """
)

_FIRST_BROKEN = text(
    f"""
    SELECT least(seq, expected) FROM (
        SELECT a.*, row_number() OVER walk AS expected,
               lag(hash, 1, ''::bytea) OVER walk AS before
          FROM audit_log AS a WINDOW walk AS (ORDER BY seq)
    ) AS a
     WHERE seq <> expected OR previous_hash IS DISTINCT FROM before
        OR hash IS DISTINCT FROM {_CHAINED.format("a")}
     ORDER BY seq LIMIT 1
    """
)

_HEAD = text("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")
_HASH_OF = text("SELECT hash FROM audit_log WHERE seq = :seq")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry's number and hash at some moment, to be kept outside the database."""

    seq: int
    hash: bytes


def append(
    tx: Transaction,
    actor: Actor,
    *,
    action: str,
    entity: str,
    entity_id: str | None = None,
    patient_id: UUID | None = None,
    purpose: str | None = None,
    outcome: str = "ok",
    details: Mapping[str, object] | None = None,
) -> None:
    """Note who did what, in the transaction that does it, as its last write.

    `details` holds ids, codes and counts under names on the logs' allow-list; another name raises
    `LookupError`.
    """
    unknown = sorted(name for name in details or {} if not logs.allowed(name))
    if unknown:
        raise LookupError(f"not on the allow-list: {', '.join(unknown)}")
    entry = {
        "at": tx.now,
        "actor": actor.subject,
        "role": actor.role,
        "action": action,
        "entity": entity,
        "entity_id": entity_id,
        "patient_id": patient_id,
        "purpose": purpose,
        "outcome": outcome,
        "correlation_id": tx.correlation_id,
        "details": orjson.dumps(logs.safe(details or {})).decode(),
    }

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(_APPEND, entry)

    tx.at_end(write)


def note_shown(tx: Transaction, reader: Actor, entity: str, patient_ids: Iterable[UUID]) -> None:
    """Note of a list whose data it shows, each patient once: the request's own entry names none."""
    for patient_id in dict.fromkeys(patient_ids):
        append(tx, reader, action="read", entity=entity, patient_id=patient_id)


async def head(connection: AsyncConnection) -> Head | None:
    """The newest entry, to be kept elsewhere; `None` while there is none."""
    found = (await connection.execute(_HEAD)).one_or_none()
    return None if found is None else Head(found.seq, bytes(found.hash))


async def verify(connection: AsyncConnection, known: Head | None = None) -> int | None:
    """The number of the first entry that is wrong or missing; `None` when the chain is whole.

    With a `known` head, the chain must also still contain it.
    """
    broken: int | None = (await connection.execute(_FIRST_BROKEN)).scalar()
    if broken is None and known is not None:
        found = (await connection.execute(_HASH_OF, {"seq": known.seq})).scalar()
        return None if found is not None and bytes(found) == known.hash else known.seq
    return broken
