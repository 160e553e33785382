"""Tries at cards, and money that came.

The database holds to one try under way per charge, whoever writes, to one payment per tender and
reference, and to no more refunded than was paid.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
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
    up is abandoned, and decided once Stripe has told what came of it. One that is offered is the
    patient's to make, on the page of a pay link.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(
            "state IN ('pending', 'offered', 'captured', 'declined', 'abandoned')", name="state"
        ),
        CheckConstraint(
            "(state IN ('declined', 'abandoned')) = (reason IS NOT NULL)", name="reason"
        ),
        CheckConstraint(
            "state = 'abandoned' OR (state = 'pending') = (decided_at IS NULL)", name="decided"
        ),
        CheckConstraint("card_id IS NOT NULL OR state <> 'pending'", name="card"),
        Index("ix_payment_attempts_charge_id", "charge_id"),
        Index("ix_payment_attempts_card_id", "card_id", "created_at"),
        Index(
            "uq_payment_attempts_under_way",
            "charge_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
        ),
        UniqueConstraint("stripe_payment_intent_id"),
    )

    attempt_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    card_id: UUID | None = Field(foreign_key="cards.card_id")
    amount_cents: int = Field(sa_column=cents())
    state: str = Field(sa_column=words())
    reason: str | None = Field(sa_column=words(nullable=True))
    decline_code: str | None = Field(sa_column=words(nullable=True))
    advice_code: str | None = Field(sa_column=words(nullable=True))
    network_decline_code: str | None = Field(sa_column=words(nullable=True))
    network_advice_code: str | None = Field(sa_column=words(nullable=True))
    stripe_payment_intent_id: str | None = Field(sa_column=words(nullable=True))
    created_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))


class Payment(Base, table=True):
    """Money that came, by whatever tender. `reference` is the other side's: a receipt's, Stripe's.

    It pays a charge, or waits for a person where there is none to pay. One that was rejected never
    came, and pays nothing. What a bank took back for good in a dispute is charged back. What it
    gave back after all, when the charge did not need it any more, is unapplied.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(
            "refunded_cents >= 0 AND charged_back_cents >= 0 AND unapplied_cents >= 0"
            " AND refunded_cents + charged_back_cents + unapplied_cents <= amount_cents",
            name="refunded",
        ),
        CheckConstraint("unapplied_cents = 0 OR charge_id IS NOT NULL", name="unapplied"),
        CheckConstraint("rejected_at IS NULL OR refunded_cents = 0", name="rejected"),
        CheckConstraint(
            "tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check', 'prepaid')",
            name="tender",
        ),
        UniqueConstraint("tender", "reference"),
        Index("ix_payments_charge_id", "charge_id"),
    )

    payment_id: UUID = Field(primary_key=True)
    patient_id: UUID
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    tender: str = Field(sa_column=words())
    reference: str = Field(sa_column=words())
    amount_cents: int = Field(sa_column=cents())
    refunded_cents: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    charged_back_cents: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    unapplied_cents: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    taken_at: datetime = Field(sa_column=moment())
    rejected_at: datetime | None = Field(sa_column=moment(nullable=True))


class UnmatchedPayment(Base, table=True):
    """Money that Stripe took for a try that had ended, beside what its charge was owed.

    Or what a bank gave back of a payment whose charge did not need it any more.
    """

    __tablename__ = "unmatched_payments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        UniqueConstraint("payment_id"),
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
    payment_id: UUID = Field(foreign_key="payments.payment_id")
    amount_cents: int = Field(sa_column=cents())
    noticed_at: datetime = Field(sa_column=moment())
    returned_at: datetime | None = Field(sa_column=moment(nullable=True))
