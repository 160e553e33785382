"""The backbone's own tables, the same in every service's database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from shared.columns import moment
from shared.db import BackboneBase

SLOTS = 16
"""Outbox slots. A key always falls in the same slot, and a slot has one relay at a time."""


class Inbox(BackboneBase, table=True):
    """Which events a consumer has acted on. Written in the transaction of the act."""

    __tablename__ = "inbox"

    consumer: str = Field(sa_column=Column(Text, primary_key=True))
    event_id: UUID = Field(primary_key=True)
    processed_at: datetime = Field(sa_column=moment())


class Outbox(BackboneBase, table=True):
    """Events committed but not yet confirmed by the broker."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_slot_seq", "slot", "seq", postgresql_where=text("parked_at IS NULL")),
        Index("ix_outbox_parked", "key", postgresql_where=text("parked_at IS NOT NULL")),
    )

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    event_id: UUID
    topic: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    slot: int = Field(sa_column=Column(SmallInteger, nullable=False))
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    committed_at: datetime = Field(sa_column=moment())
    parked_at: datetime | None = Field(sa_column=moment(nullable=True))
    parked_code: str | None = Field(sa_column=Column(Text))


class EventLog(BackboneBase, table=True):
    """Events that the broker confirmed, kept so that they can be offered again."""

    __tablename__ = "event_log"
    __table_args__ = (Index("ix_event_log_published_at", "published_at"),)

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    event_id: UUID = Field(unique=True)
    topic: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    slot: int = Field(sa_column=Column(SmallInteger, nullable=False))
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    published_at: datetime = Field(sa_column=moment())


class DueWork(BackboneBase, table=True):
    """Work that falls due: timers and outside calls.

    waiting -> running -> (deleted when done) | resting -> running | parked. `due_at` and
    `parked_at` are practice time; `rests_until` and `leased_until` are the database's own clock.
    A waiting or resting row is unique by its key; a running one has left the queue and is not
    called back.
    """

    __tablename__ = "due_work"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'resting', 'running', 'parked')", name="state"),
        CheckConstraint("(state = 'running') = (leased_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state = 'resting') = (rests_until IS NOT NULL)", name="rest"),
        CheckConstraint("(state = 'parked') = (parked_at IS NOT NULL)", name="parked"),
        Index(
            "uq_due_work_key",
            "key",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'resting') AND key IS NOT NULL"),
        ),
        Index("ix_due_work_due_at", "kind", "due_at", postgresql_where=text("state = 'waiting'")),
        Index(
            "ix_due_work_rests_until",
            "kind",
            "rests_until",
            postgresql_where=text("state = 'resting'"),
        ),
        Index(
            "ix_due_work_leased_until",
            "kind",
            "leased_until",
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_due_work_parked", "work_id", postgresql_where=text("state = 'parked'")),
    )

    work_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=Column(Text, nullable=False))
    key: str | None = Field(sa_column=Column(Text))
    payload: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    due_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="waiting"))
    attempts: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    leases_lost: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    fence: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    rests_until: datetime | None = Field(sa_column=moment(nullable=True))
    leased_until: datetime | None = Field(sa_column=moment(nullable=True))
    parked_at: datetime | None = Field(sa_column=moment(nullable=True))
    error_code: str | None = Field(sa_column=Column(Text))
    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = Field(sa_column=Column(Text))


class ParkedEvent(BackboneBase, table=True):
    """Records that could not be acted on, and later ones of the same key that wait behind them.

    parked: a person replays or discards it. held: waits for the parked one before it, and after a
    failure until `rests_until`, on the database's own clock.
    """

    __tablename__ = "parked_events"
    __table_args__ = (
        CheckConstraint("state IN ('parked', 'held', 'replayed', 'discarded')", name="state"),
        CheckConstraint(
            "(state IN ('replayed', 'discarded')) = (resolved_at IS NOT NULL)", name="resolved"
        ),
        Index(
            "uq_parked_events_open",
            "consumer",
            "fingerprint",
            unique=True,
            postgresql_where=text("state IN ('parked', 'held')"),
        ),
        Index(
            "ix_parked_events_discarded",
            "consumer",
            "fingerprint",
            postgresql_where=text("state = 'discarded'"),
        ),
        Index(
            "ix_parked_events_key",
            "consumer",
            "key_digest",
            "seq",
            postgresql_where=text("state IN ('parked', 'held') AND key_digest IS NOT NULL"),
        ),
    )

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    parked_id: UUID = Field(unique=True)
    consumer: str = Field(sa_column=Column(Text, nullable=False))
    fingerprint: str = Field(sa_column=Column(Text, nullable=False))
    topic: str = Field(sa_column=Column(Text, nullable=False))
    partition: int = Field(sa_column=Column("partition_no", BigInteger, nullable=False))
    offset: int = Field(sa_column=Column("offset_no", BigInteger, nullable=False))
    key: str | None = Field(sa_column=Column(Text))
    key_digest: str | None = Field(sa_column=Column(Text))
    type_name: str = Field(sa_column=Column(Text, nullable=False))
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    value: bytes | None = Field(sa_column=Column(LargeBinary))
    state: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    attempts: int = Field(sa_column=Column(SmallInteger, nullable=False))
    parked_at: datetime = Field(sa_column=moment())
    rests_until: datetime | None = Field(sa_column=moment(nullable=True))
    resolved_at: datetime | None = Field(sa_column=moment(nullable=True))
    resolved_by: str | None = Field(sa_column=Column(Text))
    resolution: str | None = Field(sa_column=Column(Text))
