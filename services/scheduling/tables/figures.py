"""The clinic's figures as they are kept: visit types, protocols, hours, rosters, closures.

A figure never changes: another one is another row with a later first day, or, where it was
mistyped, a later revision of the same day.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import json_object, moment, words


def _small(*, nullable: bool = False) -> Column[int]:
    return Column(SmallInteger, nullable=nullable)


def _flag() -> Column[bool]:
    return Column(Boolean, nullable=False)


def _date() -> Column[date]:
    return Column(Date, nullable=False)


def _first_day() -> Column[date]:
    return Column(Date, primary_key=True)


def _type() -> Column[str]:
    return Column(Text, primary_key=True)


def _revision() -> Column[int]:
    return Column(SmallInteger, primary_key=True, autoincrement=False)


SIGNED = "(clinician_id IS NULL) = (signed_by IS NULL)"
"""Whoever signs as a clinician is noted with the login that did."""


class VisitTypeRow(Base, table=True):
    """What a visit of one type takes from a day on; `sources` says why, figure by figure.

    A row never changes: another figure is another row with a later first day. Of several that
    begin on one day the last revision counts. `clinician_id` signed its clinical figures.
    `recorded_at` is empty where the figures came with the house.
    """

    __tablename__ = "visit_types"
    __table_args__ = (
        CheckConstraint(
            "booked_min > 0 AND recovery_min >= 0 AND booked_min + recovery_min <= 720",
            name="length",
        ),
        CheckConstraint("fasting_min >= 0 AND no_drive_min >= 0", name="rules"),
        CheckConstraint("start_every_min BETWEEN 1 AND 240", name="grid"),
        CheckConstraint(
            "drug IS NOT NULL OR route IS NULL AND NOT is_controlled AND gap_min_days IS NULL"
            " AND NOT dose_needed AND dose_unit IS NULL",
            name="drug",
        ),
        CheckConstraint(
            "(dose_needed OR NOT is_controlled) AND (dose_unit IS NOT NULL OR NOT dose_needed)",
            name="dose",
        ),
        CheckConstraint("dose_unit IN ('mcg', 'mg', 'g', 'mL', 'L', 'IU')", name="dose_unit"),
        CheckConstraint(
            "gap_min_days BETWEEN 1 AND 31 AND least_age_years BETWEEN 1 AND 120", name="patient"
        ),
        CheckConstraint(SIGNED, name="signed"),
    )

    visit_type: str = Field(sa_column=_type())
    effective_from: date = Field(sa_column=_first_day())
    revision: int = Field(sa_column=_revision())
    name: str = Field(sa_column=words())
    booked_min: int | None = Field(sa_column=_small(nullable=True))
    recovery_min: int = Field(sa_column=_small())
    fasting_min: int = Field(sa_column=_small())
    no_drive_min: int = Field(sa_column=_small())
    ride_needed: bool = Field(sa_column=_flag())
    chair_needed: bool = Field(sa_column=_flag())
    start_every_min: int = Field(sa_column=_small())
    drug: str | None = Field(sa_column=words(nullable=True))
    route: str | None = Field(sa_column=words(nullable=True))
    is_controlled: bool = Field(sa_column=_flag())
    gap_min_days: int | None = Field(sa_column=_small(nullable=True))
    least_age_years: int | None = Field(sa_column=_small(nullable=True))
    begins_in_ban: bool = Field(sa_column=_flag())
    room_needed: bool = Field(sa_column=_flag())
    dose_needed: bool = Field(sa_column=_flag())
    dose_unit: str | None = Field(sa_column=words(nullable=True))
    vitals_needed: bool = Field(sa_column=_flag())
    orientation_needed: bool = Field(sa_column=_flag())
    sources: dict[str, str] = Field(sa_column=json_object())
    clinician_id: UUID | None = Field(default=None, foreign_key="clinicians.clinician_id")
    signed_by: str | None = Field(default=None, sa_column=words(nullable=True))
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ProtocolRow(Base, table=True):
    """How a series of one type is given from a day on; rows as for visit types."""

    __tablename__ = "protocols"
    __table_args__ = (
        CheckConstraint(
            "0 < size_min AND size_min <= size_max AND size_max <= 20",
            name="size",
        ),
        CheckConstraint(
            "0 < gap_min_days AND gap_min_days <= gap_advised_days"
            " AND gap_advised_days <= gap_max_days AND gap_max_days <= 31",
            name="gaps",
        ),
        CheckConstraint(
            "weekly_advised > 0 AND weekly_cap > 0 AND course_advised_weeks > 0", name="weeks"
        ),
        CheckConstraint(SIGNED, name="signed"),
    )

    visit_type: str = Field(sa_column=_type())
    effective_from: date = Field(sa_column=_first_day())
    revision: int = Field(sa_column=_revision())
    kind: str = Field(sa_column=words())
    size_min: int = Field(sa_column=_small())
    size_max: int = Field(sa_column=_small())
    gap_min_days: int = Field(sa_column=_small())
    gap_advised_days: int = Field(sa_column=_small())
    gap_max_days: int = Field(sa_column=_small())
    weekly_advised: int | None = Field(sa_column=_small(nullable=True))
    weekly_cap: int | None = Field(sa_column=_small(nullable=True))
    course_advised_weeks: int | None = Field(sa_column=_small(nullable=True))
    sources: dict[str, str] = Field(sa_column=json_object())
    clinician_id: UUID | None = Field(default=None, foreign_key="clinicians.clinician_id")
    signed_by: str | None = Field(default=None, sa_column=words(nullable=True))
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class OpeningHoursRow(Base, table=True):
    """When visits of one type are given at a place; without a place, wherever none has its own."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        UniqueConstraint(
            "location_id",
            "visit_type",
            "effective_from",
            "revision",
            name="uq_opening_hours_location_id_visit_type_effective_from",
            postgresql_nulls_not_distinct=True,
        ),
    )

    hours_id: UUID = Field(primary_key=True)
    location_id: UUID | None = Field(foreign_key="locations.location_id")
    visit_type: str = Field(sa_column=words())
    effective_from: date = Field(sa_column=_date())
    revision: int = Field(sa_column=_small())
    windows: list[dict[str, Any]] = Field(sa_column=json_object())
    source: str = Field(sa_column=words())
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class RosterRow(Base, table=True):
    """How many nurses are on duty at a place, and how many chairs one may watch."""

    __tablename__ = "rosters"
    __table_args__ = (
        UniqueConstraint(
            "location_id",
            "effective_from",
            "revision",
            name="uq_rosters_location_id_effective_from",
        ),
        CheckConstraint("chairs_per_nurse > 0", name="chairs_per_nurse"),
    )

    roster_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    effective_from: date = Field(sa_column=_date())
    revision: int = Field(sa_column=_small())
    chairs_per_nurse: int = Field(sa_column=_small())
    shifts: list[dict[str, Any]] = Field(sa_column=json_object())
    source: str = Field(sa_column=words())
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ClosureRow(Base, table=True):
    """Whole days on which a place gives no visits."""

    __tablename__ = "closures"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="days"),
        Index("ix_closures_location_id", "location_id", "last_on"),
    )

    closure_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    first_on: date = Field(sa_column=_date())
    last_on: date = Field(sa_column=_date())
    reason: str = Field(sa_column=words())
    withdrawn_at: datetime | None = Field(sa_column=moment(nullable=True))
