"""Amendments of what is on record of a dose."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class DoseAmendment(Base, table=True):
    """That the record of a dose was put right; `amended` is what stood there before, and why.

    `recorded_by` and `witnessed_by` are of what stood there. None is ever changed.
    """

    __tablename__ = "dose_amendments"
    __table_args__ = (
        CheckConstraint("(witnessed_at IS NULL) = (witnessed_by IS NULL)", name="witnessed"),
        Index("ix_dose_amendments_appointment_id", "appointment_id", "signed_at"),
    )

    amendment_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="doses.appointment_id")
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str = Field(sa_column=words())
    witnessed_at: datetime | None = Field(sa_column=moment(nullable=True))
    witnessed_by: str | None = Field(sa_column=Column(Text))
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    amended: bytes = Field(sa_column=sealed_bytes())
