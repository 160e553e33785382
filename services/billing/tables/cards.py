"""Patients as Stripe knows them, and their cards. Client secrets are sealed."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class Customer(Base, table=True):
    """A patient as Stripe knows them: by a random id, and by nothing else."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("stripe_customer_id"),)

    patient_id: UUID = Field(primary_key=True)
    stripe_customer_id: str | None = Field(sa_column=words(nullable=True))
    created_at: datetime = Field(sa_column=moment())


class CardSetup(Base, table=True):
    """One card that is being saved, and the text that its patient is shown for it.

    `sealed` holds the browser's client secret.
    """

    __tablename__ = "card_setups"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'ready', 'saved', 'failed')", name="state"),
        CheckConstraint("(sealed IS NULL) OR (stripe_setup_intent_id IS NOT NULL)", name="intent"),
        UniqueConstraint("stripe_setup_intent_id"),
        Index("ix_card_setups_patient_id", "patient_id"),
    )

    setup_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="customers.patient_id")
    state: str = Field(sa_column=words())
    stripe_setup_intent_id: str | None = Field(sa_column=words(nullable=True))
    sealed: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    created_at: datetime = Field(sa_column=moment())
    text_id: int = Field(
        sa_column=Column(SmallInteger, ForeignKey("mandate_texts.text_id"), nullable=False)
    )


class Card(Base, table=True):
    """A card that may be charged off session.

    A patient's card on file is the one whose set-up began last, whenever Stripe told of it, of
    those that are not gone at Stripe and for which a mandate stands. `expires_at` is when it is no
    longer good; a bank may renew it, number and all.
    """

    __tablename__ = "cards"
    __table_args__ = (
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="last4"),
        UniqueConstraint("setup_id"),
        Index("ix_cards_newest", "patient_id", "set_up_at", "setup_id"),
    )

    card_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="customers.patient_id")
    setup_id: UUID = Field(foreign_key="card_setups.setup_id")
    stripe_payment_method_id: str = Field(sa_column=words())
    brand: str | None = Field(sa_column=words(nullable=True))
    set_up_at: datetime = Field(sa_column=moment())
    saved_at: datetime = Field(sa_column=moment())
    gone_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    last4: str | None = Field(default=None, sa_column=words(nullable=True))
    expires_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class CardExpiryPolicy(Base, table=True):
    """From a day on: how many days before it expires a card is on the list in any case."""

    __tablename__ = "card_expiry_policies"
    __table_args__ = (CheckConstraint("within_days BETWEEN 0 AND 366", name="within_days"),)

    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    within_days: int = Field(sa_column=Column(SmallInteger, nullable=False))
    source: str = Field(sa_column=words())


class CardNotice(Base, table=True):
    """That a card expires was said, for the day on which it does: a bank may renew it."""

    __tablename__ = "card_notices"

    card_id: UUID = Field(primary_key=True, foreign_key="cards.card_id")
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    noticed_at: datetime = Field(sa_column=moment())
