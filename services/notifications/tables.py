"""What notifications keep: contacts, places, visits as far as messages need them, and messages.

One message per purpose, subject and revision, whoever writes.

A message: waiting -> sent | not_sent. `tried_at` marks that it may have left before its outcome is
known. `turn` counts how often its sending was set going: only the work with the newest turn acts.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.columns import moment, sealed_bytes, words
from shared.db import NAMING


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """Base of notifications' tables."""


class Contact(Base, table=True):
    """A sealed copy of how to reach a patient.

    Asked for `asked_no` times; this is answer `redeemed_no`, and no older one replaces it.
    """

    __tablename__ = "contacts"
    __table_args__ = (CheckConstraint("(sealed IS NULL) = (redeemed_no = 0)", name="redeemed"),)

    patient_id: UUID = Field(primary_key=True)
    sealed: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    asked_no: int = Field(sa_column=Column(Integer, nullable=False))
    redeemed_no: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))


class Location(Base, table=True):
    """A place with chairs, redeemed once, and again after each correction: `revision` is which."""

    __tablename__ = "locations"

    location_id: UUID = Field(primary_key=True)
    revision: int = Field(
        default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0")
    )
    name: str = Field(sa_column=words())
    zone: str = Field(sa_column=words())
    phone: str = Field(sa_column=words())


class Appointment(Base, table=True):
    """A visit at its newest revision; `ride_needed` and `fasting_min` are what it asks for."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint("state IN ('booked', 'cancelled', 'discharged')", name="state"),
        Index("ix_appointments_location_id", "location_id", "starts_at"),
    )

    appointment_id: UUID = Field(primary_key=True)
    patient_id: UUID
    location_id: UUID
    ride_needed: bool = Field(sa_column=Column(Boolean, nullable=False))
    fasting_min: int = Field(sa_column=Column(Integer, nullable=False))
    starts_at: datetime = Field(sa_column=moment())
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False))
    state: str = Field(sa_column=words())
    ride_confirmed: bool = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )


class PayLink(Base, table=True):
    """Where a patient pays one charge. Who has the address can pay there: it is sealed."""

    __tablename__ = "pay_links"

    pay_link_id: UUID = Field(primary_key=True)
    sealed: bytes = Field(sa_column=sealed_bytes())


class Message(Base, table=True):
    """One message to one patient. `sealed` is what was handed to the provider, and for whom."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("purpose", "subject_id", "revision"),
        CheckConstraint("channel IN ('sms', 'email')", name="channel"),
        CheckConstraint("state IN ('waiting', 'sent', 'not_sent')", name="state"),
        CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="settled"),
        CheckConstraint("(state = 'not_sent') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint("(tried_at IS NULL) = (sealed IS NULL)", name="tried"),
        CheckConstraint("state <> 'sent' OR tried_at IS NOT NULL", name="sent"),
        CheckConstraint("(purpose = 'receipt') = (amount_cents IS NOT NULL)", name="amount"),
        CheckConstraint(
            "(purpose IN ('superbill', 'superbill_corrected', 'estimate'))"
            " = (document_no IS NOT NULL)",
            name="document",
        ),
        CheckConstraint(
            "(purpose IN ('no_driving', 'chair_offered', 'pay_link', 'card_expiring'))"
            " = (until_at IS NOT NULL)",
            name="until",
        ),
        Index("ix_messages_patient_id", "patient_id", "due_at", "message_id"),
        Index("ix_messages_location_id", "location_id", postgresql_where=text("state = 'waiting'")),
    )

    message_id: UUID = Field(primary_key=True)
    patient_id: UUID
    purpose: str = Field(sa_column=words())
    channel: str = Field(sa_column=words())
    subject_id: UUID
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False))
    location_id: UUID | None = Field()
    amount_cents: int | None = Field(sa_column=Column(Integer))
    document_no: str | None = Field(sa_column=words(nullable=True))
    until_at: datetime | None = Field(sa_column=moment(nullable=True))
    state: str = Field(sa_column=words())
    due_at: datetime = Field(sa_column=moment())
    turn: int = Field(sa_column=Column(Integer, nullable=False))
    tried_at: datetime | None = Field(sa_column=moment(nullable=True))
    sealed: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    settled_at: datetime | None = Field(sa_column=moment(nullable=True))
    reason: str | None = Field(sa_column=words(nullable=True))
    provider_ref: str | None = Field(sa_column=words(nullable=True))
