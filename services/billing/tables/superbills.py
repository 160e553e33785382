"""Superbills, which nobody changes, and what keeps one from being issued."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, sealed_bytes, words


class SuperbillNumber(Base, table=True):
    """The last number given out in a year. Its row lock makes the numbers gapless."""

    __tablename__ = "superbill_numbers"

    year: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last_number: int = Field(sa_column=Column(Integer, nullable=False))


class Superbill(Base, table=True):
    """A numbered superbill, sealed. `content_sha256` is over the JSON before it was sealed."""

    __tablename__ = "superbills"
    __table_args__ = (
        CheckConstraint("total_cents > 0", name="total"),
        UniqueConstraint("charge_id"),
        UniqueConstraint("number"),
        Index("ix_superbills_patient_id", "patient_id", "issued_at", "superbill_id"),
    )

    superbill_id: UUID = Field(primary_key=True)
    number: str = Field(sa_column=words())
    patient_id: UUID
    infusion_id: UUID
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    total_cents: int = Field(sa_column=cents())
    sealed: bytes = Field(sa_column=sealed_bytes())
    content_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    issued_at: datetime = Field(sa_column=moment())


class SuperbillHold(Base, table=True):
    """A paid charge whose superbill waits, and the rules that it would break."""

    __tablename__ = "superbill_holds"
    __table_args__ = (
        CheckConstraint("cardinality(rules) > 0", name="rules"),
        Index("ix_superbill_holds_noticed_at", "noticed_at", "charge_id"),
    )

    charge_id: UUID = Field(primary_key=True, foreign_key="charges.charge_id")
    rules: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    noticed_at: datetime = Field(sa_column=moment())


class SuperbillDocument(Base, table=True):
    """The PDF of a superbill, sealed. With it the superbill is out."""

    __tablename__ = "superbill_documents"

    superbill_id: UUID = Field(primary_key=True, foreign_key="superbills.superbill_id")
    sealed: bytes = Field(sa_column=sealed_bytes())
    rendered_at: datetime = Field(sa_column=moment())
