"""What scheduling keeps of outcomes. Answers, figures and what they ask of a person are sealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, SmallInteger, Text, text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class Outcome(Base, table=True):
    """One form that a patient filled in, or one summary that was imported.

    `answers` is what was answered, `score` what the rule of that version made of it. Nothing is
    changed: a mistaken one is withdrawn, with a reason, and recorded again.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        CheckConstraint(
            "instrument IN ('phq9', 'gad7', 'pcl5', 'nrs', 'creyos')", name="instrument"
        ),
        CheckConstraint(
            "occasion IN ('intake', 'before_infusion', 'after_series')", name="occasion"
        ),
        CheckConstraint(
            "(occasion = 'intake') = (series_id IS NULL)"
            " AND (occasion = 'before_infusion') = (appointment_id IS NOT NULL)",
            name="place",
        ),
        CheckConstraint("taken_at <= recorded_at", name="taken"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_why IS NULL)",
            name="withdrawn",
        ),
        Index("ix_outcomes_patient_id_taken_at", "patient_id", "taken_at", "outcome_id"),
        Index(
            "uq_outcomes_before_infusion",
            "appointment_id",
            "instrument",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL AND occasion = 'before_infusion'"),
        ),
        Index(
            "uq_outcomes_after_series",
            "series_id",
            "instrument",
            "taken_at",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL AND occasion = 'after_series'"),
        ),
    )

    outcome_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    series_id: UUID | None = Field(foreign_key="series.series_id")
    appointment_id: UUID | None = Field(foreign_key="appointments.appointment_id")
    instrument: str = Field(sa_column=words())
    rule_version: int = Field(sa_column=Column(SmallInteger, nullable=False))
    occasion: str = Field(sa_column=words())
    taken_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str = Field(sa_column=words())
    answers: bytes = Field(sa_column=sealed_bytes())
    score: bytes = Field(sa_column=sealed_bytes())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    withdrawn_by: str | None = Field(default=None, sa_column=Column(Text))
    withdrawn_why: bytes | None = Field(default=None, sa_column=sealed_bytes(nullable=True))


class Review(Base, table=True):
    """Something that a person must look at, in an outcome or at a visit.

    `matter` is why, `done` what was done about it. The matter is sealed too: which review an
    outcome raised would tell what was answered.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)"
            " AND (acknowledged_at IS NULL) = (done IS NULL)",
            name="acknowledged",
        ),
        CheckConstraint("num_nonnulls(outcome_id, appointment_id) = 1", name="place"),
        Index(
            "ix_reviews_open",
            "raised_at",
            "review_id",
            postgresql_where=text("acknowledged_at IS NULL"),
        ),
    )

    review_id: UUID = Field(primary_key=True)
    outcome_id: UUID | None = Field(foreign_key="outcomes.outcome_id", index=True)
    appointment_id: UUID | None = Field(foreign_key="appointments.appointment_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    matter: bytes = Field(sa_column=sealed_bytes())
    raised_at: datetime = Field(sa_column=moment())
    acknowledged_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    acknowledged_by: str | None = Field(default=None, sa_column=Column(Text))
    done: bytes | None = Field(default=None, sa_column=sealed_bytes(nullable=True))
