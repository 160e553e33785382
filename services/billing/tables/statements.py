"""Statements that were asked for, as they were printed."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class PatientStatement(Base, table=True):
    """A patient's account over some days, sealed. With its document it is ready."""

    __tablename__ = "patient_statements"
    __table_args__ = (
        CheckConstraint("until >= since", name="days"),
        CheckConstraint("content IS NOT NULL OR document IS NULL", name="document"),
        CheckConstraint("(document IS NULL) = (ready_at IS NULL)", name="ready"),
        Index("ix_patient_statements_patient_id", "patient_id", "asked_at", "statement_id"),
    )

    statement_id: UUID = Field(primary_key=True)
    patient_id: UUID
    location_id: UUID
    since: date = Field(sa_column=Column(Date, nullable=False))
    until: date = Field(sa_column=Column(Date, nullable=False))
    content: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    document: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    asked_by: str = Field(sa_column=words())
    asked_at: datetime = Field(sa_column=moment())
    ready_at: datetime | None = Field(sa_column=moment(nullable=True))
