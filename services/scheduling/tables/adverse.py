"""Adverse events, as far as they are not sealed: at which visit, and whether they are over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment


class AdverseEvent(Base, table=True):
    """That a note of the chart is an adverse event; what it was stays in the note."""

    __tablename__ = "adverse_events"
    __table_args__ = (
        CheckConstraint("(resolved_at IS NULL) = (resolved_by IS NULL)", name="resolved"),
        Index("ix_adverse_events_noted_at", "noted_at", "note_id"),
    )

    note_id: UUID = Field(primary_key=True, foreign_key="chart_notes.note_id")
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    noted_at: datetime = Field(sa_column=moment())
    resolved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    resolved_by: str | None = Field(default=None, sa_column=Column(Text))
