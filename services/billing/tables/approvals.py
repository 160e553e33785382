"""What a second person has to look at: limits, and entries that wait for one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, json_object, moment, words

_ENTRY = (
    "entry IN ('outside_payment', 'refund', 'discount', 'write_off', 'dispute_answer',"
    " 'write_down', 'package_payment', 'suspense')"
)


class SingleEntry(Base, table=True):
    """What one person entered alone, within a limit. It counts for what comes after it."""

    __tablename__ = "single_entries"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(_ENTRY, name="entry"),
        Index("ix_single_entries_counted", "patient_id", "entry", "entered_by", "entered_at"),
    )

    entry_id: UUID = Field(primary_key=True)
    entry: str = Field(sa_column=words())
    subject_id: UUID
    patient_id: UUID | None = Field()
    amount_cents: int = Field(sa_column=cents())
    entered_by: str = Field(sa_column=words())
    entered_at: datetime = Field(sa_column=moment())


class ApprovalLimit(Base, table=True):
    """Above which cents an entry needs a second person, from an instant on. Never changed."""

    __tablename__ = "approval_limits"
    __table_args__ = (
        CheckConstraint("limit_cents >= 0", name="limit"),
        CheckConstraint(_ENTRY, name="entry"),
        Index("ix_approval_limits_in_force", "entry", "starts_at", "limit_id"),
    )

    limit_id: UUID = Field(primary_key=True)
    entry: str = Field(sa_column=words())
    limit_cents: int = Field(sa_column=cents())
    starts_at: datetime = Field(sa_column=moment())
    source: str = Field(sa_column=words())
    recorded_by: str = Field(sa_column=words())


class Approval(Base, table=True):
    """An entry as one person asked for it. Another one decides; who asked may only take it back."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(_ENTRY, name="entry"),
        CheckConstraint("state IN ('pending', 'approved', 'refused')", name="state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decider"),
        CheckConstraint("state <> 'approved' OR decided_by <> asked_by", name="four_eyes"),
        Index(
            "ix_approvals_pending",
            "asked_at",
            "approval_id",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    approval_id: UUID = Field(primary_key=True)
    entry: str = Field(sa_column=words())
    subject_id: UUID
    patient_id: UUID | None = Field()
    amount_cents: int = Field(sa_column=cents())
    wish: dict[str, Any] = Field(sa_column=json_object())
    state: str = Field(sa_column=words())
    asked_by: str = Field(sa_column=words())
    asked_at: datetime = Field(sa_column=moment())
    decided_by: str | None = Field(sa_column=words(nullable=True))
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))
