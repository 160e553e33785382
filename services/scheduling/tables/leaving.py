"""How patients leave otherwise than by a discharge: handed over, or nobody knows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class Transfer(Base, table=True):
    """That a hospital took a patient over; `handed_over` is where to, by whom, and why.

    `reading_id` are the vitals that the patient left with.
    """

    __tablename__ = "transfers"

    appointment_id: UUID = Field(primary_key=True, foreign_key="appointments.appointment_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    reading_id: UUID = Field(foreign_key="readings.reading_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    handed_over: bytes = Field(sa_column=sealed_bytes())


class OverdueDischarge(Base, table=True):
    """That it was said of a visit, once, that its patient was not discharged."""

    __tablename__ = "overdue_discharges"

    appointment_id: UUID = Field(primary_key=True, foreign_key="appointments.appointment_id")
    raised_at: datetime = Field(sa_column=moment())
