"""Files that scheduling closed, because their person has another one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment


class ClosedFile(Base, table=True):
    """Nothing more will be charged under `patient_id`; `into_patient_id` is who stays."""

    __tablename__ = "closed_files"
    __table_args__ = (
        Index("ix_closed_files_into_patient_id", "into_patient_id"),
        Index("ix_closed_files_merged_at", "merged_at", "patient_id"),
    )

    patient_id: UUID = Field(primary_key=True)
    into_patient_id: UUID = Field()
    merged_at: datetime = Field(sa_column=moment())
