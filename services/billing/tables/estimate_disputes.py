"""Disputes of estimates, each with its hold on collecting."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, UniqueConstraint, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class EstimateDispute(Base, table=True):
    """A patient disputes what was billed against an estimate, before the federal entity."""

    __tablename__ = "estimate_disputes"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closer"),
        CheckConstraint(
            "outcome IN ('withdrawn', 'settled', 'for_clinic', 'for_patient')", name="outcome"
        ),
        CheckConstraint(
            "(owed_cents IS NOT NULL) = (coalesce(outcome, '') IN ('settled', 'for_patient'))"
            " AND owed_cents >= 0",
            name="owed",
        ),
        UniqueConstraint("hold_id"),
        Index(
            "uq_estimate_disputes_open",
            "estimate_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_estimate_disputes_recorded_at",
            "recorded_at",
            "dispute_id",
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    dispute_id: UUID = Field(primary_key=True)
    estimate_id: UUID = Field(foreign_key="estimates.estimate_id")
    patient_id: UUID
    hold_id: UUID = Field(foreign_key="collections_holds.hold_id")
    billed_on: date = Field(sa_column=Column(Date, nullable=False))
    begun_on: date = Field(sa_column=Column(Date, nullable=False))
    reference: str | None = Field(sa_column=words(nullable=True))
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
    outcome: str | None = Field(sa_column=words(nullable=True))
    owed_cents: int | None = Field(sa_column=cents(nullable=True))
    closed_by: str | None = Field(sa_column=words(nullable=True))
    closed_at: datetime | None = Field(sa_column=moment(nullable=True))
