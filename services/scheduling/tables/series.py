"""Series of infusions, and what became of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    SmallInteger,
    text,
)
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class Series(Base, table=True):
    """A course of infusions. `diagnoses` is what it is given for, `stop_reason` why it ended.

    `planned_infusions` is how many were booked with it; a lost one may be given in another's place.
    `extra_infusions`, `gap_min_days` and `gap_max_days` are what a prescriber's overrides make of
    it. `completed_at` and `completed_with` are when it was said to be completed, with how many
    given; one that is extended afterwards is open again and keeps both.
    """

    __tablename__ = "series"
    __table_args__ = (
        CheckConstraint("state IN ('booked', 'completed', 'stopped')", name="state"),
        CheckConstraint("(state = 'booked') = (ended_at IS NULL)", name="ended"),
        CheckConstraint(
            "(state <> 'stopped' OR stop_reason IS NOT NULL AND completed_at IS NULL)"
            " AND (stop_reason IS NULL OR state = 'stopped' OR completed_at IS NOT NULL)",
            name="stop_reason",
        ),
        CheckConstraint(
            "(completed_at IS NULL) = (completed_with IS NULL)"
            " AND (state <> 'completed' OR completed_at IS NOT NULL)",
            name="completed",
        ),
        CheckConstraint(
            "extra_infusions >= 0 AND gap_min_days > 0 AND gap_max_days > 0", name="overrides"
        ),
        Index(
            "uq_series_open", "patient_id", unique=True, postgresql_where=text("state = 'booked'")
        ),
    )

    series_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    prescriber_id: UUID = Field(foreign_key="clinicians.clinician_id")
    location_id: UUID = Field(foreign_key="locations.location_id")
    visit_type: str = Field(sa_column=words())
    diagnoses: bytes = Field(sa_column=sealed_bytes())
    planned_infusions: int = Field(sa_column=Column(SmallInteger, nullable=False))
    state: str = Field(sa_column=words())
    booked_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    stop_reason: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    extra_infusions: int = Field(
        default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0")
    )
    gap_min_days: int | None = Field(default=None, sa_column=Column(SmallInteger))
    gap_max_days: int | None = Field(default=None, sa_column=Column(SmallInteger))
    completed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    completed_with: int | None = Field(default=None, sa_column=Column(SmallInteger))

    @property
    def infusions(self) -> int:
        """How many it is to have: as planned, or as completed, and what a prescriber added."""
        told = self.completed_with
        return (self.planned_infusions if told is None else told) + self.extra_infusions

    @property
    def extended_to(self) -> int | None:
        """How many it must have before it is done, where a prescriber's word says so."""
        signed = self.extra_infusions or self.completed_at is not None
        return self.infusions if signed else None
