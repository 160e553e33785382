"""Imports of what a clinic has on file elsewhere, and which of it is on file here by now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes


class Import(Base, table=True):
    """One file. It is checked as a whole before any of it is applied.

    `not_applied`: by the time that it was, no row of it was right any more.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("kind IN ('patients', 'appointments', 'fhir_bundle')", name="kind"),
        CheckConstraint(
            "state IN ('checking', 'checked', 'applying', 'applied', 'not_applied', 'lapsed')",
            name="state",
        ),
    )

    import_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=Column(Text, nullable=False))
    location_id: UUID = Field(foreign_key="locations.location_id")
    state: str = Field(sa_column=Column(Text, nullable=False))
    made_at: datetime = Field(sa_column=moment())
    made_by: str = Field(sa_column=Column(Text, nullable=False))


class ImportRow(Base, table=True):
    """One patient, visit or treatment of a file, sealed.

    `problems` say what is wrong, never what stood there.
    Those of a row that is right are what a booking of the same would have been refused for.
    `source_key` and `patient_key` stand for the ids that the other system has (`ImportKeys`).
    A visit that was checked `takes` a chair, or a leader's time, between its two moments.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        CheckConstraint("record IN ('patient', 'visit', 'treatment', 'unread')", name="record"),
        CheckConstraint("state IN ('waiting', 'ready', 'known', 'wrong', 'applied')", name="state"),
        Index("ix_import_rows_batch", "import_id", "batch_no"),
    )

    import_id: UUID = Field(primary_key=True, foreign_key="imports.import_id")
    line: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    batch_no: int = Field(sa_column=Column(Integer, nullable=False))
    record: str = Field(sa_column=Column(Text, nullable=False))
    source_key: UUID | None
    patient_key: UUID | None
    content: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    takes: UUID | None
    starts_at: datetime | None = Field(sa_column=moment(nullable=True))
    ends_at: datetime | None = Field(sa_column=moment(nullable=True))
    problems: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))


class Imported(Base, table=True):
    """What was imported once, by the key of its id in the other system: never a second time."""

    __tablename__ = "imported"

    source_key: UUID = Field(primary_key=True)
    object_id: UUID
    imported_at: datetime = Field(sa_column=moment())
