"""How patients leave otherwise than by a discharge: handed over, by themselves, or nobody knows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Text, text
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


class WalkOut(Base, table=True):
    """That a patient left before anybody let them go; `account` is how, as a clinician signed it.

    Somebody calls. `settled_at` is when nothing was owed any more: neither the call nor the record
    of the drug.
    """

    __tablename__ = "walk_outs"
    __table_args__ = (
        CheckConstraint("(called_at IS NULL) = (called_by IS NULL)", name="called"),
        CheckConstraint("settled_at IS NULL OR called_at IS NOT NULL", name="settled"),
        Index("ix_walk_outs_open", "left_at", postgresql_where=text("settled_at IS NULL")),
    )

    appointment_id: UUID = Field(primary_key=True, foreign_key="appointments.appointment_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    left_at: datetime = Field(sa_column=moment())
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    account: bytes = Field(sa_column=sealed_bytes())
    called_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    called_by: str | None = Field(default=None, sa_column=Column(Text))
    settled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class OverdueDischarge(Base, table=True):
    """That it was said of a visit, once, that its patient was not discharged."""

    __tablename__ = "overdue_discharges"

    appointment_id: UUID = Field(primary_key=True, foreign_key="appointments.appointment_id")
    raised_at: datetime = Field(sa_column=moment())
