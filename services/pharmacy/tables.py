"""What pharmacy keeps. What a prescription says is sealed; states, times and ids are not.

The database itself holds that a series has one prescription, that a prescription has one signing
that counts, and that nothing is sent unsigned.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Text,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.columns import moment, sealed_bytes, words
from shared.db import NAMING


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """Base of pharmacy's tables."""


class PartnerPharmacy(Base, table=True):
    """A compounding pharmacy. `limits`: most characters, by the path of a field in its order."""

    __tablename__ = "partner_pharmacies"

    pharmacy_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=words())
    limits: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    source: str = Field(sa_column=words())


class FormularyItem(Base, table=True):
    """What is prescribed after a series, from a day on. `sources` names one per figure."""

    __tablename__ = "formulary"
    __table_args__ = (
        CheckConstraint("schedule <> 'C-III' OR refills BETWEEN 0 AND 5", name="refills"),
        CheckConstraint("days_supply BETWEEN 1 AND 180", name="days_supply"),
        CheckConstraint("form <> 'nasal_spray' OR sig LIKE '%4 hours%'", name="driving_rule"),
    )

    item_id: UUID = Field(primary_key=True)
    pharmacy_id: UUID = Field(foreign_key="partner_pharmacies.pharmacy_id")
    effective_from: date = Field(sa_column=Column(Date, nullable=False, unique=True))
    drug: str = Field(sa_column=words())
    schedule: str = Field(sa_column=words())
    ingredients: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    strength: str = Field(sa_column=words())
    form: str = Field(sa_column=words())
    quantity: str = Field(sa_column=words())
    quantity_unit: str = Field(sa_column=words())
    days_supply: int = Field(sa_column=Column(SmallInteger, nullable=False))
    sig: str = Field(sa_column=words())
    refills: int = Field(sa_column=Column(SmallInteger, nullable=False))
    clinical_difference: str = Field(sa_column=words())
    sources: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))


class Prescription(Base, table=True):
    """One series, one prescription. `content` is sealed, and so is what is wrong with it.

    `redemption` numbers the askings for the content; only the newest one's answer is written.
    """

    __tablename__ = "prescriptions"
    __table_args__ = (
        CheckConstraint(
            "state IN ('drafting', 'needs_correction', 'drafted', 'awaiting_signature', 'signed',"
            " 'sent', 'accepted', 'shipped', 'delivered', 'signature_declined', 'refused')",
            name="state",
        ),
        CheckConstraint("(state = 'refused') = (refused_at IS NOT NULL)", name="refused"),
        CheckConstraint("state <> 'needs_correction' OR held_at IS NOT NULL", name="held"),
        CheckConstraint(
            "(state IN ('refused', 'needs_correction')) = (reason IS NOT NULL)", name="reason"
        ),
        CheckConstraint("drafted_at IS NULL OR content IS NOT NULL", name="drafted"),
        CheckConstraint("signed_at IS NULL OR drafted_at IS NOT NULL", name="signed"),
        CheckConstraint("sent_at IS NULL OR signed_at IS NOT NULL", name="sent"),
        CheckConstraint("(sent_at IS NULL) = (order_id IS NULL)", name="order_id"),
        CheckConstraint("accepted_at IS NULL OR sent_at IS NOT NULL", name="accepted"),
        CheckConstraint("shipped_at IS NULL OR accepted_at IS NOT NULL", name="shipped"),
        CheckConstraint("delivered_at IS NULL OR shipped_at IS NOT NULL", name="delivered"),
        Index(None, "patient_id", "started_at", "prescription_id"),
    )

    prescription_id: UUID = Field(primary_key=True)
    series_id: UUID = Field(unique=True)
    patient_id: UUID
    prescriber_id: UUID
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="drafting"))
    redemption: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    content: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    order_id: str | None = Field(sa_column=words(nullable=True, unique=True))
    pharmacy_status: str | None = Field(sa_column=words(nullable=True))
    pharmacy_status_at: datetime | None = Field(sa_column=moment(nullable=True))
    reason: str | None = Field(sa_column=words(nullable=True))
    violations: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    started_at: datetime = Field(sa_column=moment())
    held_at: datetime | None = Field(sa_column=moment(nullable=True))
    drafted_at: datetime | None = Field(sa_column=moment(nullable=True))
    shown_at: datetime | None = Field(sa_column=moment(nullable=True))
    signed_at: datetime | None = Field(sa_column=moment(nullable=True))
    declined_at: datetime | None = Field(sa_column=moment(nullable=True))
    sent_at: datetime | None = Field(sa_column=moment(nullable=True))
    accepted_at: datetime | None = Field(sa_column=moment(nullable=True))
    shipped_at: datetime | None = Field(sa_column=moment(nullable=True))
    delivered_at: datetime | None = Field(sa_column=moment(nullable=True))
    refused_at: datetime | None = Field(sa_column=moment(nullable=True))


class Twin(Base, table=True):
    """An order that repeats another one: taken back once, however often it is read about."""

    __tablename__ = "twins"

    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    prescription_id: UUID = Field(foreign_key="prescriptions.prescription_id")
    found_at: datetime = Field(sa_column=moment())


class Signing(Base, table=True):
    """One showing of a prescription to its prescriber, and the evidence if it was signed.

    `displayed` is sealed: exactly what was shown. Its id is the vendor's reference.
    """

    __tablename__ = "signings"
    __table_args__ = (
        CheckConstraint(
            "state IN ('opening', 'open', 'signed', 'declined', 'superseded')", name="state"
        ),
        CheckConstraint("state <> 'open' OR url IS NOT NULL", name="open"),
        CheckConstraint(
            "(state = 'signed') = (num_nulls(signature_id, signer_dea_number, signed_at, factors)"
            " = 0)",
            name="evidence",
        ),
        Index(
            "uq_signings_counts",
            "prescription_id",
            unique=True,
            postgresql_where=sql("state <> 'superseded'"),
        ),
    )

    signing_id: UUID = Field(primary_key=True)
    prescription_id: UUID = Field(foreign_key="prescriptions.prescription_id")
    issue_date: date = Field(sa_column=Column(Date, nullable=False))
    displayed: bytes = Field(sa_column=sealed_bytes())
    sha256: str = Field(sa_column=words())
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="opening"))
    session_id: str | None = Field(sa_column=words(nullable=True, unique=True))
    url: str | None = Field(sa_column=words(nullable=True))
    begun_at: datetime = Field(sa_column=moment())
    signature_id: str | None = Field(sa_column=words(nullable=True, unique=True))
    signer_dea_number: str | None = Field(sa_column=words(nullable=True))
    signed_at: datetime | None = Field(sa_column=moment(nullable=True))
    factors: list[str] | None = Field(sa_column=Column(ARRAY(Text)))
