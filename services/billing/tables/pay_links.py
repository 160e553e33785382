"""Pages on which patients pay. The address of one is sealed: who has it can pay on it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, SmallInteger, UniqueConstraint, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class PayLink(Base, table=True):
    """A page for one charge. Its id is that of the try that it stands for, and Stripe's key.

    One is out per charge at a time, whoever writes.
    """

    __tablename__ = "pay_links"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'open', 'paid', 'expired', 'withdrawn', 'failed')", name="state"
        ),
        CheckConstraint(
            "(stripe_session_id IS NULL) = (sealed IS NULL)"
            " AND (state <> 'open' OR sealed IS NOT NULL)",
            name="page",
        ),
        CheckConstraint("(state IN ('pending', 'open')) = (ended_at IS NULL)", name="ended"),
        UniqueConstraint("stripe_session_id"),
        Index("ix_pay_links_charge_id", "charge_id"),
        Index(
            "uq_pay_links_out",
            "charge_id",
            unique=True,
            postgresql_where=text("state IN ('pending', 'open')"),
        ),
    )

    pay_link_id: UUID = Field(foreign_key="payment_attempts.attempt_id", primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    state: str = Field(sa_column=words())
    why: str = Field(sa_column=words())
    stripe_session_id: str | None = Field(sa_column=words(nullable=True))
    sealed: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    sent_no: int = Field(sa_column=Column(SmallInteger, nullable=False))
    created_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
