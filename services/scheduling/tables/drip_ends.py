"""Corrections of when a drip ended, and of the driving ban that counts from it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class EndCorrection(Base, table=True):
    """That a drip ended at another time than was on record, or goes on; `why` is the reason.

    None is ever changed.
    """

    __tablename__ = "end_corrections"
    __table_args__ = (
        CheckConstraint("ended_at IS DISTINCT FROM ended_at_before", name="changed"),
        CheckConstraint("ended_at <= signed_at", name="past"),
        Index("ix_end_corrections_appointment_id", "appointment_id", "signed_at"),
    )

    correction_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    ended_at_before: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    why: bytes = Field(sa_column=sealed_bytes())


class BanExtension(Base, table=True):
    """That a driving ban is longer than its patient was told; `why` is the reason.

    `ended_at` is when the drip really ended. None is ever changed.
    """

    __tablename__ = "ban_extensions"
    __table_args__ = (
        CheckConstraint("no_drive_until > no_drive_until_before", name="longer"),
        CheckConstraint("ended_at <= signed_at", name="past"),
        Index("ix_ban_extensions_appointment_id", "appointment_id", "signed_at"),
    )

    extension_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    ended_at: datetime = Field(sa_column=moment())
    no_drive_until_before: datetime = Field(sa_column=moment())
    no_drive_until: datetime = Field(sa_column=moment())
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    why: bytes = Field(sa_column=sealed_bytes())
