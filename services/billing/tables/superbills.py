"""Superbills, which nobody changes, and what keeps one from being issued."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
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
from shared.columns import cents, json_object, moment, sealed_bytes, words


class SuperbillNumber(Base, table=True):
    """The last number given out in a year. Its row lock makes the numbers gapless."""

    __tablename__ = "superbill_numbers"

    year: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last_number: int = Field(sa_column=Column(Integer, nullable=False))


class SuperbillWording(Base, table=True):
    """What superbills say of themselves from a day on, by how their money stands.

    With it what the receipt beside one says, and why another version took an earlier one's place.
    A row is never changed; of one day's the last counts.
    """

    __tablename__ = "superbill_wordings"
    __table_args__ = (
        CheckConstraint("statements ?& '{paid,reduced,refunded,owed}'::text[]", name="statements"),
        CheckConstraint("receipt ?& '{title,description,notice}'::text[]", name="receipt"),
        CheckConstraint(
            "corrections ?& '{refund,record,payment,visit}'::text[]", name="corrections"
        ),
        Index("ix_superbill_wordings_effective_from", "effective_from", "wording_id"),
    )

    wording_id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    statements: dict[str, Any] = Field(sa_column=json_object())
    gathers: str = Field(sa_column=words())
    source: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
    receipt: dict[str, Any] = Field(sa_column=json_object())
    corrections: dict[str, Any] = Field(sa_column=json_object())


class Superbill(Base, table=True):
    """One version of a numbered superbill, sealed: of one paid charge, or of a patient's month.

    `content_sha256` is over the JSON before it was sealed. `served_on` is the first day of service,
    of a month its first day. A corrected version names the one it replaces, and why. Its receipt is
    in the words of the same row as itself.
    """

    __tablename__ = "superbills"
    __table_args__ = (
        CheckConstraint("total_cents > 0", name="total"),
        CheckConstraint(
            "num_nulls(charge_id, infusion_id) = 0 AND month IS NULL"
            " OR num_nulls(charge_id, infusion_id) = 2 AND month IS NOT NULL",
            name="about",
        ),
        CheckConstraint(
            "(version = 1) = (replaces_id IS NULL) AND (replaces_id IS NULL) = (reason IS NULL)",
            name="replaces",
        ),
        CheckConstraint("reason IN ('refund', 'record', 'visit', 'payment')", name="reason"),
        UniqueConstraint("charge_id", "version"),
        UniqueConstraint("patient_id", "month", "version"),
        UniqueConstraint("number", "version"),
        UniqueConstraint("replaces_id"),
        Index("ix_superbills_patient_id", "patient_id", "issued_at", "superbill_id"),
    )

    superbill_id: UUID = Field(primary_key=True)
    number: str = Field(sa_column=words())
    version: int = Field(sa_column=Column(SmallInteger, nullable=False))
    replaces_id: UUID | None = Field(foreign_key="superbills.superbill_id")
    reason: str | None = Field(sa_column=words(nullable=True))
    patient_id: UUID
    infusion_id: UUID | None = Field()
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    month: date | None = Field(sa_column=Column(Date))
    served_on: date = Field(sa_column=Column(Date, nullable=False))
    total_cents: int = Field(sa_column=cents())
    sealed: bytes = Field(sa_column=sealed_bytes())
    content_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    issued_at: datetime = Field(sa_column=moment())
    wording_id: int = Field(
        sa_column=Column(SmallInteger, ForeignKey("superbill_wordings.wording_id"), nullable=False)
    )


class SuperbillHold(Base, table=True):
    """A paid charge whose superbill waits, and the rules that it would break.

    `correction` is why there would be another version, where one is issued already.
    """

    __tablename__ = "superbill_holds"
    __table_args__ = (
        CheckConstraint("cardinality(rules) > 0", name="rules"),
        CheckConstraint("correction IN ('refund', 'record', 'payment')", name="correction"),
        Index("ix_superbill_holds_noticed_at", "noticed_at", "charge_id"),
    )

    charge_id: UUID = Field(primary_key=True, foreign_key="charges.charge_id")
    rules: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    correction: str | None = Field(sa_column=words(nullable=True))
    noticed_at: datetime = Field(sa_column=moment())


class SuperbillDocument(Base, table=True):
    """A superbill's PDF and the receipt without diagnosis, sealed. With them it is out."""

    __tablename__ = "superbill_documents"

    superbill_id: UUID = Field(primary_key=True, foreign_key="superbills.superbill_id")
    sealed: bytes = Field(sa_column=sealed_bytes())
    receipt: bytes = Field(sa_column=sealed_bytes())
    rendered_at: datetime = Field(sa_column=moment())
