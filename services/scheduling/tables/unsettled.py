"""Visits whose day is over without a word of what became of them, as it was said once of each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment


class UnsettledVisit(Base, table=True):
    """That a visit was raised as unsettled, for the time at which it was booked."""

    __tablename__ = "unsettled_visits"

    appointment_id: UUID = Field(primary_key=True, foreign_key="appointments.appointment_id")
    starts_at: datetime = Field(sa_column=moment())
    raised_at: datetime = Field(sa_column=moment())
