"""Corrections of what a series is given for, and by whose order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class SeriesCorrection(Base, table=True):
    """What a series was corrected from and to; `corrected` is the diagnoses, and why.

    None is ever changed.
    """

    __tablename__ = "series_corrections"
    __table_args__ = (Index("ix_series_corrections_series_id", "series_id", "signed_at"),)

    correction_id: UUID = Field(primary_key=True)
    series_id: UUID = Field(foreign_key="series.series_id")
    prescriber_id_before: UUID = Field(foreign_key="clinicians.clinician_id")
    prescriber_id: UUID = Field(foreign_key="clinicians.clinician_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    corrected: bytes = Field(sa_column=sealed_bytes())
