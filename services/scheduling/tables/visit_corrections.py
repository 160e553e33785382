"""Corrections of what a single visit was for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class VisitCorrection(Base, table=True):
    """What a treatment or a session was corrected from and to; `corrected` is the codes, and why.

    None is ever changed.
    """

    __tablename__ = "visit_corrections"
    __table_args__ = (Index("ix_visit_corrections_appointment_id", "appointment_id", "signed_at"),)

    correction_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    corrected: bytes = Field(sa_column=sealed_bytes())
