"""Good faith estimates, which nobody changes, when they are due, and the texts that they carry."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, json_object, moment, sealed_bytes, words


class EstimateWording(Base, table=True):
    """What estimates say from a day on. A row is never changed; of one day's the last counts."""

    __tablename__ = "estimate_wordings"
    __table_args__ = (
        CheckConstraint("cardinality(disclaimers) > 0", name="disclaimers"),
        Index("ix_estimate_wordings_effective_from", "effective_from", "wording_id"),
    )

    wording_id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    services: dict[str, Any] = Field(sa_column=json_object())
    separately: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    disclaimers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    source: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())


class EstimateCourse(Base, table=True):
    """What somebody is going to be charged for, and by when they must have an estimate of it.

    A booked series, treatment or session under its own id, or what a patient or a stranger asked
    about, which is `booked_as` another course once it is. `person` is the stranger, sealed. `zone`
    is that of the location of what is booked, by whose days the deadlines run. `due_at` is missing
    where the law asks for none; `met_at` is when the last one that was due was issued, `blocked_by`
    the rules that keep it from being built.
    """

    __tablename__ = "estimate_courses"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('series', 'treatment', 'session', 'request', 'inquiry')", name="kind"
        ),
        CheckConstraint(
            "(kind IN ('series', 'treatment', 'session')) = (location_id IS NULL)", name="location"
        ),
        CheckConstraint(
            "booked_as IS NULL OR kind = 'request' AND ended_at IS NOT NULL", name="booked_as"
        ),
        CheckConstraint("(kind = 'inquiry') = (patient_id IS NULL)", name="patient"),
        CheckConstraint("(kind = 'inquiry') = (person IS NOT NULL)", name="person"),
        CheckConstraint("planned_infusions BETWEEN 1 AND 99", name="infusions"),
        CheckConstraint("overdue_at IS NULL OR due_at IS NOT NULL", name="overdue"),
        Index("ix_estimate_courses_patient_id", "patient_id"),
        Index(
            "ix_estimate_courses_booked_as",
            "booked_as",
            postgresql_where=text("booked_as IS NOT NULL"),
        ),
        Index(
            "ix_estimate_courses_due_at",
            "due_at",
            "course_id",
            postgresql_where=text("due_at IS NOT NULL AND met_at IS NULL AND ended_at IS NULL"),
        ),
    )

    course_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_column=words())
    patient_id: UUID | None = Field()
    person: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    visit_type: str = Field(sa_column=words())
    planned_infusions: int = Field(sa_column=Column(SmallInteger, nullable=False))
    location_id: UUID | None = Field()
    zone: str | None = Field(sa_column=Column(Text))
    first_on: date | None = Field(sa_column=Column(Date))
    opened_at: datetime = Field(sa_column=moment())
    due_at: datetime | None = Field(sa_column=moment(nullable=True))
    reminded_at: datetime | None = Field(sa_column=moment(nullable=True))
    overdue_at: datetime | None = Field(sa_column=moment(nullable=True))
    met_at: datetime | None = Field(sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    booked_as: UUID | None = Field(default=None)
    blocked_by: list[str] = Field(
        sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )


class SeriesVisit(Base, table=True):
    """Which series an appointment belongs to, as scheduling said when it was booked.

    A treatment outside a series is its own: what is estimated of it is under its own id.
    """

    __tablename__ = "series_visits"
    __table_args__ = (Index("ix_series_visits_series_id", "series_id"),)

    appointment_id: UUID = Field(primary_key=True)
    series_id: UUID


class EstimateNumber(Base, table=True):
    """The last number given out in a year. Its row lock makes the numbers gapless."""

    __tablename__ = "estimate_numbers"

    year: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last_number: int = Field(sa_column=Column(Integer, nullable=False))


class Estimate(Base, table=True):
    """One version of a numbered estimate, sealed. `content_sha256` is over its JSON.

    With its document it is issued; the issued one with the highest version is in force until
    `expires_on`. `fees_cents` has one fee for each visit that it covers.
    """

    __tablename__ = "estimates"
    __table_args__ = (
        CheckConstraint("total_cents > 0", name="total"),
        CheckConstraint("cardinality(fees_cents) > 0", name="fees"),
        CheckConstraint("version > 0", name="version"),
        UniqueConstraint("number", "version"),
        UniqueConstraint("course_id", "version"),
        Index("ix_estimates_patient_id", "patient_id", "drafted_at", "estimate_id"),
    )

    estimate_id: UUID = Field(primary_key=True)
    course_id: UUID = Field(foreign_key="estimate_courses.course_id")
    number: str = Field(sa_column=words())
    version: int = Field(sa_column=Column(SmallInteger, nullable=False))
    reason: str = Field(sa_column=words())
    patient_id: UUID | None = Field()
    visit_type: str = Field(sa_column=words())
    fees_cents: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    total_cents: int = Field(sa_column=cents())
    expires_on: date = Field(sa_column=Column(Date, nullable=False))
    sealed: bytes = Field(sa_column=sealed_bytes())
    content_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    drafted_at: datetime = Field(sa_column=moment())


class EstimateDocument(Base, table=True):
    """The PDF of an estimate, sealed. With it the estimate is issued."""

    __tablename__ = "estimate_documents"

    estimate_id: UUID = Field(primary_key=True, foreign_key="estimates.estimate_id")
    sealed: bytes = Field(sa_column=sealed_bytes())
    issued_at: datetime = Field(sa_column=moment())
