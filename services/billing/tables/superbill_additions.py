"""What superbills may say besides what scheduling knows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class SuperbillAddition(Base, table=True):
    """What was recorded of one patient, clinician or clinic, sealed. The last one counts."""

    __tablename__ = "superbill_additions"
    __table_args__ = (
        CheckConstraint("about IN ('patient', 'clinician', 'clinic')", name="about"),
        Index(
            "ix_superbill_additions_subject_id",
            "subject_id",
            "about",
            "recorded_at",
            "addition_id",
        ),
    )

    addition_id: UUID = Field(primary_key=True)
    about: str = Field(sa_column=words())
    subject_id: UUID
    sealed: bytes = Field(sa_column=sealed_bytes())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
