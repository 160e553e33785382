"""Overrides: a prescriber's signed word that a rule does not hold for one series."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, SmallInteger, Text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes


class Override(Base, table=True):
    """Which rule, for which series or treatment, how far, who signed and when.

    `reason` may say how the patient is.

    `signed_by` is who was signed in, `clinician_id` the prescriber on record. Nothing of it is
    changed; it may be withdrawn.
    """

    __tablename__ = "overrides"
    __table_args__ = (
        CheckConstraint(
            "rule IN ('series_size', 'series_gap', 'series_long_gap', 'drug_gap')", name="rule"
        ),
        CheckConstraint(
            "(rule = 'series_size') = (infusions IS NOT NULL)"
            " AND (rule IN ('series_gap', 'drug_gap')) = (gap_min_days IS NOT NULL)"
            " AND (rule = 'series_long_gap') = (gap_max_days IS NOT NULL)"
            " AND infusions > 0 AND gap_min_days >= 0 AND gap_max_days > 0",
            name="extent",
        ),
        CheckConstraint(
            "(rule = 'drug_gap') = (appointment_id IS NOT NULL)"
            " AND (rule = 'drug_gap') = (series_id IS NULL)",
            name="of",
        ),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        Index("ix_overrides_signed_at", "signed_at", "override_id"),
    )

    override_id: UUID = Field(primary_key=True)
    series_id: UUID | None = Field(foreign_key="series.series_id", index=True)
    appointment_id: UUID | None = Field(
        default=None, foreign_key="appointments.appointment_id", index=True
    )
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    rule: str = Field(sa_column=Column(Text, nullable=False))
    infusions: int | None = Field(sa_column=Column(SmallInteger))
    gap_min_days: int | None = Field(sa_column=Column(SmallInteger))
    gap_max_days: int | None = Field(default=None, sa_column=Column(SmallInteger))
    reason: bytes = Field(sa_column=sealed_bytes())
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_by: str = Field(sa_column=Column(Text, nullable=False))
    signed_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    withdrawn_by: str | None = Field(default=None, sa_column=Column(Text))
