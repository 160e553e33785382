"""Payments that a cardholder's bank doubts. A trigger lets a dispute go one way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text, UniqueConstraint, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, sealed_bytes, words


class Dispute(Base, table=True):
    """One dispute of one payment. `charged_back_cents` is what it took of what paid the charge.

    Of one that was won after all, that is what the charge did not need any more.

    `hold_id` is the hold that stops collecting from its patient while it is open. One without a
    payment is of money at Stripe that is not in the books.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(
            "state IN ('inquiry', 'inquiry_answered', 'inquiry_closed', 'needs_response',"
            " 'under_review', 'won', 'lost')",
            name="state",
        ),
        CheckConstraint(
            "(state IN ('inquiry_closed', 'won', 'lost')) = (closed_at IS NOT NULL)", name="closed"
        ),
        CheckConstraint(
            "charged_back_cents >= 0 AND (charged_back_cents = 0 OR state IN ('won', 'lost'))",
            name="charged_back",
        ),
        CheckConstraint(
            "(payment_id IS NULL) = (patient_id IS NULL) AND (payment_id IS NOT NULL"
            " OR num_nonnulls(charge_id, hold_id) = 0 AND charged_back_cents = 0)",
            name="placed",
        ),
        UniqueConstraint("stripe_dispute_id"),
        Index("ix_disputes_payment_id", "payment_id"),
        Index("ix_disputes_patient_id", "patient_id"),
        Index("ix_disputes_opened_at", "opened_at", "dispute_id"),
        Index("ix_disputes_hold_id", "hold_id", postgresql_where=text("closed_at IS NULL")),
    )

    dispute_id: UUID = Field(primary_key=True)
    stripe_dispute_id: str = Field(sa_column=words())
    payment_id: UUID | None = Field(foreign_key="payments.payment_id")
    patient_id: UUID | None
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    amount_cents: int = Field(sa_column=cents())
    charged_back_cents: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    reason: str = Field(sa_column=words())
    state: str = Field(sa_column=words())
    hold_id: UUID | None = Field(foreign_key="collections_holds.hold_id")
    opened_at: datetime = Field(sa_column=moment())
    due_at: datetime | None = Field(sa_column=moment(nullable=True))
    noticed_at: datetime = Field(sa_column=moment())
    closed_at: datetime | None = Field(sa_column=moment(nullable=True))
    payment_intent_id: str = Field(sa_column=words())


class DisputeMovement(Base, table=True):
    """A balance transaction that a dispute made, posted to the ledger when it was seen first."""

    __tablename__ = "dispute_movements"
    __table_args__ = (Index("ix_dispute_movements_dispute_id", "dispute_id"),)

    transaction_id: str = Field(sa_column=Column(Text, primary_key=True))
    dispute_id: UUID = Field(foreign_key="disputes.dispute_id")
    amount_cents: int = Field(sa_column=cents())
    moved_at: datetime = Field(sa_column=moment())


class DisputeEvidence(Base, table=True):
    """What can be shown to the bank of a dispute, sealed: its content, and its document."""

    __tablename__ = "dispute_evidence"

    dispute_id: UUID = Field(primary_key=True, foreign_key="disputes.dispute_id")
    sealed: bytes = Field(sa_column=sealed_bytes())
    document: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    prepared_at: datetime = Field(sa_column=moment())


class DisputeAnswer(Base, table=True):
    """What two people decided to tell the bank. Its id is Stripe's idempotency key."""

    __tablename__ = "dispute_answers"
    __table_args__ = (
        CheckConstraint("kind IN ('evidence', 'acceptance')", name="kind"),
        Index(
            "uq_dispute_answers_under_way",
            "dispute_id",
            unique=True,
            postgresql_where=text("sent_at IS NULL"),
        ),
    )

    answer_id: UUID = Field(primary_key=True)
    dispute_id: UUID = Field(foreign_key="disputes.dispute_id")
    kind: str = Field(sa_column=words())
    asked_by: str = Field(sa_column=words())
    decided_at: datetime = Field(sa_column=moment())
    evidence_file_id: str | None = Field(sa_column=words(nullable=True))
    receipt_file_id: str | None = Field(sa_column=words(nullable=True))
    sent_at: datetime | None = Field(sa_column=moment(nullable=True))
