"""Who else may have to pay: patients' answers, clinicians' standing with Medicare, signed papers.

No row is ever changed.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, UniqueConstraint
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class PatientCoverage(Base, table=True):
    """What a patient answered about coverage, sealed, from a day on.

    Of answers from the same day the one that was recorded last counts.
    """

    __tablename__ = "patient_coverages"
    __table_args__ = (
        Index(
            "ix_patient_coverages_patient_id",
            "patient_id",
            "effective_from",
            "recorded_at",
            "coverage_id",
        ),
    )

    coverage_id: UUID = Field(primary_key=True)
    patient_id: UUID
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    sealed: bytes = Field(sa_column=sealed_bytes())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())


class ClinicianStanding(Base, table=True):
    """How a clinician stands with Medicare from a day on.

    Of rows with the same first day the one that was recorded last counts.
    """

    __tablename__ = "clinician_standings"
    __table_args__ = (
        CheckConstraint(
            "status IN ('opted_out', 'participating', 'nonparticipating', 'not_enrolled')",
            name="status",
        ),
        CheckConstraint("until_on >= from_on", name="days"),
        CheckConstraint("status <> 'opted_out' OR until_on IS NOT NULL", name="opt_out"),
        Index("ix_clinician_standings_clinician_id", "clinician_id", "from_on", "recorded_at"),
    )

    standing_id: UUID = Field(primary_key=True)
    clinician_id: UUID
    status: str = Field(sa_column=words())
    from_on: date = Field(sa_column=Column(Date, nullable=False))
    until_on: date | None = Field(sa_column=Column(Date))
    source: str = Field(sa_column=words())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())


class CoveragePaper(Base, table=True):
    """A signed private contract or advance notice, by the id under which it is filed."""

    __tablename__ = "coverage_papers"
    __table_args__ = (
        CheckConstraint("kind IN ('private_contract', 'advance_notice')", name="kind"),
        CheckConstraint(
            "(kind = 'private_contract') = (clinician_id IS NOT NULL)", name="clinician"
        ),
        CheckConstraint("until_on >= signed_on", name="days"),
        UniqueConstraint("document_id"),
        Index("ix_coverage_papers_patient_id", "patient_id"),
    )

    paper_id: UUID = Field(primary_key=True)
    patient_id: UUID
    document_id: UUID
    kind: str = Field(sa_column=words())
    clinician_id: UUID | None = Field()
    signed_on: date = Field(sa_column=Column(Date, nullable=False))
    until_on: date | None = Field(sa_column=Column(Date))
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
