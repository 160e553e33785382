"""What a chart names in one word, from a day on: premedication, and adverse events."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Column, Date, SmallInteger, Text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, words


class ChartWordRow(Base, table=True):
    """A word and whether it is in use from a day on. Never changed; a default has no signer.

    Of several of one day the last revision counts.
    """

    __tablename__ = "chart_words"
    __table_args__ = (
        CheckConstraint("kind IN ('premedication', 'adverse_event')", name="kind"),
        CheckConstraint("(clinician_id IS NULL) = (signed_by IS NULL)", name="signed"),
    )

    kind: str = Field(sa_column=Column(Text, primary_key=True))
    word: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    revision: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    name: str = Field(sa_column=words())
    in_use: bool = Field(sa_column=Column(Boolean, nullable=False))
    source: str = Field(sa_column=words())
    clinician_id: UUID | None = Field(default=None, foreign_key="clinicians.clinician_id")
    signed_by: str | None = Field(default=None, sa_column=Column(Text))
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
