"""What Stripe says of its balance, and where the books say otherwise."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, SmallInteger, Text, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, sealed_bytes, words


class StripeMovement(Base, table=True):
    """One balance transaction, as last seen. Which payout it is in is learned later."""

    __tablename__ = "stripe_movements"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('payment', 'refund', 'dispute', 'payout', 'fee', 'other')", name="kind"
        ),
        Index("ix_stripe_movements_reference", "kind", "reference"),
        Index("ix_stripe_movements_created_at", "created_at"),
        Index("ix_stripe_movements_payout_id", "payout_id"),
    )

    transaction_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=words())
    reference: str = Field(sa_column=words())
    amount_cents: int = Field(sa_column=cents())
    fee_cents: int = Field(sa_column=cents())
    created_at: datetime = Field(sa_column=moment())
    payout_id: str | None = Field(sa_column=words(nullable=True))


class StripePayout(Base, table=True):
    """What Stripe sent to the bank, as last seen."""

    __tablename__ = "stripe_payouts"
    __table_args__ = (
        CheckConstraint("state IN ('under_way', 'paid', 'failed')", name="state"),
        Index("ix_stripe_payouts_created_at", "created_at"),
    )

    payout_id: str = Field(sa_column=Column(Text, primary_key=True))
    amount_cents: int = Field(sa_column=cents())
    state: str = Field(sa_column=words())
    created_at: datetime = Field(sa_column=moment())
    arrives_on: date = Field(sa_column=Column(Date, nullable=False))


class Reconciliation(Base, table=True):
    """One comparison of the books with Stripe. `parts_left` are still being fetched."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        CheckConstraint("parts_left >= 0", name="parts_left"),
        CheckConstraint(
            "(compared_at IS NULL) = (booked_cents IS NULL)"
            " AND (compared_at IS NULL) = (breaks IS NULL)"
            " AND (compared_at IS NULL OR (parts_left = 0 AND found_cents IS NOT NULL))",
            name="result",
        ),
        Index("ix_reconciliations_began_at", "began_at", "reconciliation_id"),
    )

    reconciliation_id: UUID = Field(primary_key=True)
    began_at: datetime = Field(sa_column=moment())
    looks_from: datetime = Field(sa_column=moment())
    parts_left: int = Field(sa_column=Column(SmallInteger, nullable=False))
    found_cents: int | None = Field(sa_column=cents(nullable=True))
    booked_cents: int | None = Field(sa_column=cents(nullable=True))
    breaks: int | None = Field(sa_column=cents(nullable=True))
    compared_at: datetime | None = Field(sa_column=moment(nullable=True))


class ReconciliationBreak(Base, table=True):
    """A difference, from the comparison that found it first to the one that finds it gone.

    Other amounts are another break. `note` is why a person let it be, sealed.
    """

    __tablename__ = "reconciliation_breaks"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('not_in_books', 'not_at_stripe', 'amount_differs', 'payout_differs',"
            " 'balance_differs', 'not_funded', 'taken_back', 'in_suspense', 'refund_beyond',"
            " 'at_the_bank')",
            name="kind",
        ),
        CheckConstraint(
            "(settled_at IS NULL) = (settled_by IS NULL) AND (settled_at IS NULL) = (note IS NULL)",
            name="settled",
        ),
        Index(
            "uq_reconciliation_breaks_open",
            "subject",
            "reference",
            "booked_cents",
            "found_cents",
            unique=True,
            postgresql_where=text("gone_at IS NULL"),
        ),
        Index("ix_reconciliation_breaks_since", "since", "break_id"),
    )

    break_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=words())
    subject: str = Field(sa_column=words())
    reference: str = Field(sa_column=words())
    booked_cents: int = Field(sa_column=cents())
    found_cents: int = Field(sa_column=cents())
    since: datetime = Field(sa_column=moment())
    first_seen_at: datetime = Field(sa_column=moment())
    last_seen_at: datetime = Field(sa_column=moment())
    gone_at: datetime | None = Field(sa_column=moment(nullable=True))
    settled_at: datetime | None = Field(sa_column=moment(nullable=True))
    settled_by: str | None = Field(sa_column=words(nullable=True))
    note: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
