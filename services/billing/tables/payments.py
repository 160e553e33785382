"""Tries at cards, and money that came.

The database holds to one try under way and one that succeeded per charge, whoever writes, and to
one payment per reference.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class PaymentAttempt(Base, table=True):
    """One try at one card. Its id is Stripe's idempotency key, so it is committed before the call.

    No card on file is a try as well: one that is declined without a call. One that a person gave
    up is abandoned, and decided once Stripe has told what came of it.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'captured', 'declined', 'abandoned')", name="state"),
        CheckConstraint(
            "(state IN ('declined', 'abandoned')) = (reason IS NOT NULL)", name="reason"
        ),
        CheckConstraint(
            "state = 'abandoned' OR (state = 'pending') = (decided_at IS NULL)", name="decided"
        ),
        CheckConstraint("card_id IS NOT NULL OR state = 'declined'", name="card"),
        Index("ix_payment_attempts_charge_id", "charge_id"),
        Index(
            "uq_payment_attempts_under_way",
            "charge_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index(
            "uq_payment_attempts_captured",
            "charge_id",
            unique=True,
            postgresql_where=text("state = 'captured'"),
        ),
        UniqueConstraint("stripe_payment_intent_id"),
    )

    attempt_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    card_id: UUID | None = Field(foreign_key="cards.card_id")
    state: str = Field(sa_column=words())
    reason: str | None = Field(sa_column=words(nullable=True))
    stripe_payment_intent_id: str | None = Field(sa_column=words(nullable=True))
    created_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))


class UnmatchedPayment(Base, table=True):
    """Money that Stripe took for a try that had ended, beside what its charge was owed."""

    __tablename__ = "unmatched_payments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_unmatched_payments_attempt_id", "attempt_id"),
        Index(
            "ix_unmatched_payments_waiting",
            "noticed_at",
            "payment_intent_id",
            postgresql_where=text("returned_at IS NULL"),
        ),
    )

    payment_intent_id: str = Field(sa_column=Column(Text, primary_key=True))
    attempt_id: UUID = Field(foreign_key="payment_attempts.attempt_id")
    amount_cents: int = Field(sa_column=cents())
    noticed_at: datetime = Field(sa_column=moment())
    returned_at: datetime | None = Field(sa_column=moment(nullable=True))


class OutsidePayment(Base, table=True):
    """A payment that did not pass through Stripe. Its reference is the other side's receipt."""

    __tablename__ = "outside_payments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("tender IN ('care_credit', 'cash', 'check')", name="tender"),
        UniqueConstraint("charge_id"),
        UniqueConstraint("tender", "reference"),
    )

    payment_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    tender: str = Field(sa_column=words())
    reference: str = Field(sa_column=words())
    amount_cents: int = Field(sa_column=cents())
    recorded_at: datetime = Field(sa_column=moment())
