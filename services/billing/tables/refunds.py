"""Money that goes back, each time to the tender that it came by."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class Refund(Base, table=True):
    """All or a part of one payment, on its way back. Its id is Stripe's idempotency key.

    It goes one way: pending, succeeded, failed; a refund that succeeded may fail still. What is
    not Stripe's has the receipt of the other side, and has succeeded when it is recorded.
    `undone` says that what failed to go back is the charge's, or the list's, again. Of one made in
    Stripe's dashboard `unapplied_cents` are of what waited beside a charge that it gave back as
    well, and `beyond_cents` went back beyond what the books have of its payment.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(
            "unapplied_cents >= 0 AND beyond_cents >= 0"
            " AND unapplied_cents + beyond_cents <= amount_cents",
            name="parts",
        ),
        CheckConstraint("state IN ('pending', 'succeeded', 'failed')", name="state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
        CheckConstraint("state = 'failed' OR NOT undone", name="undone"),
        CheckConstraint("state = 'failed' OR handled_at IS NULL", name="handled"),
        CheckConstraint("(tender IN ('card', 'prepaid')) = (reference IS NULL)", name="reference"),
        CheckConstraint("tender = 'card' OR state = 'succeeded'", name="outside"),
        UniqueConstraint("stripe_refund_id"),
        UniqueConstraint("tender", "reference"),
        Index("ix_refunds_payment_id", "payment_id"),
        Index("ix_refunds_patient_id", "patient_id", "asked_at", "refund_id"),
        Index(
            "ix_refunds_failed",
            "decided_at",
            "refund_id",
            postgresql_where=text("state = 'failed' AND handled_at IS NULL"),
        ),
    )

    refund_id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(foreign_key="payments.payment_id")
    patient_id: UUID
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    tender: str = Field(sa_column=words())
    amount_cents: int = Field(sa_column=cents())
    unapplied_cents: int = Field(
        sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    beyond_cents: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    reason: str = Field(sa_column=words())
    state: str = Field(sa_column=words())
    reference: str | None = Field(sa_column=words(nullable=True))
    stripe_refund_id: str | None = Field(sa_column=words(nullable=True))
    failure: str | None = Field(sa_column=words(nullable=True))
    undone: bool
    asked_by: str = Field(sa_column=words())
    asked_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))
    handled_at: datetime | None = Field(sa_column=moment(nullable=True))
