"""Whose a visit is, and how it will be paid."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    text,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, words


class Visit(Base, table=True):
    """Whose an appointment is, as scheduling said, and how it will be paid where that is chosen.

    `starts_at` is when it is booked for, and missing once it was lost. When the patient came and
    left is kept for a bank that doubts the payment. `zone` is that of its place, by whose wall its
    day is told; where scheduling did not tell it, the clinic's own counts. Whoever prices its
    infusion and whoever chooses a tender lock this row first.
    """

    __tablename__ = "visits"
    __table_args__ = (
        CheckConstraint(
            "tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check')", name="tender"
        ),
        CheckConstraint("(tender IS NULL) = (chosen_at IS NULL)", name="chosen"),
        Index("ix_visits_patient_id", "patient_id", "starts_at"),
        Index(
            "ix_visits_location_id",
            "location_id",
            "starts_at",
            postgresql_where=text("zone IS NOT NULL"),
        ),
    )

    appointment_id: UUID = Field(primary_key=True)
    patient_id: UUID
    tender: str | None = Field(sa_column=words(nullable=True))
    chosen_at: datetime | None = Field(sa_column=moment(nullable=True))
    arrived_at: datetime | None = Field(sa_column=moment(nullable=True))
    left_at: datetime | None = Field(sa_column=moment(nullable=True))
    starts_at: datetime | None = Field(sa_column=moment(nullable=True))
    zone: str | None = Field(sa_column=words(nullable=True))
    location_id: UUID | None
