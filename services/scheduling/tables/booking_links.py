"""Links by which patients book a session for themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment


class BookingLink(Base, table=True):
    """One patient's leave to book one session. `appointment_id` is what it was used for.

    Revoked after that it books nothing and shows nothing; the session stands.
    """

    __tablename__ = "booking_links"
    __table_args__ = (CheckConstraint("made_at < expires_at", name="times"),)

    link_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    visit_type: str = Field(sa_column=Column(Text, nullable=False))
    made_at: datetime = Field(sa_column=moment())
    made_by: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=moment())
    revoked_at: datetime | None = Field(sa_column=moment(nullable=True))
    appointment_id: UUID | None = Field(foreign_key="appointments.appointment_id", unique=True)
