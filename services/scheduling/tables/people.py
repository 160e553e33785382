"""Clinicians and patients, what screening found, who cleared it. Names of patients are sealed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import json_object, moment, sealed_bytes, words


class Clinician(Base, table=True):
    """Someone who renders or prescribes; printed on superbills and prescriptions.

    `subject` is the login by which they sign: nobody else's does.
    """

    __tablename__ = "clinicians"

    clinician_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=words())
    credential: str = Field(sa_column=words())
    npi: str = Field(sa_column=words())
    license_number: str = Field(sa_column=words())
    dea_number: str | None = Field(sa_column=Column(Text))
    phone: str = Field(sa_column=words())
    address: dict[str, Any] = Field(sa_column=json_object())
    subject: str | None = Field(default=None, sa_column=Column(Text, unique=True))


class Patient(Base, table=True):
    """`card` holds name, birth date, phone, e-mail, address; `concerns` what screening found.

    `person` is the vault's fingerprint of name and birth date, by which somebody is found who is
    on file already. It leaves the database in no answer, no event and no log.

    `screening` is what is known of the patient, `screened_until` the last day on which it holds.
    `merged_into` is the file that this one turned out to be another of: it is closed.
    """

    __tablename__ = "patients"
    __table_args__ = (
        CheckConstraint(
            "screening IN ('not_screened', 'clear', 'concern', 'cleared')", name="screening"
        ),
        CheckConstraint(
            "(screening IN ('clear', 'cleared')) = (screened_until IS NOT NULL)",
            name="screened_until",
        ),
        CheckConstraint("merged_into <> patient_id", name="merged_into"),
        Index("ix_patients_person", "person"),
        Index(
            "ix_patients_merged_into",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
    )

    patient_id: UUID = Field(primary_key=True)
    card: bytes = Field(sa_column=sealed_bytes())
    concerns: bytes = Field(sa_column=sealed_bytes())
    person: bytes | None = Field(sa_column=Column(LargeBinary), repr=False)
    screening: str = Field(sa_column=words())
    screened_until: date | None = Field(sa_column=Column(Date))
    registered_at: datetime = Field(sa_column=moment())
    merged_into: UUID | None = Field(default=None, foreign_key="patients.patient_id")


class FileMerge(Base, table=True):
    """That a file was one too many of a person, by whose word, and why; `reason` is sealed."""

    __tablename__ = "file_merges"

    patient_id: UUID = Field(primary_key=True, foreign_key="patients.patient_id")
    into_patient_id: UUID = Field(foreign_key="patients.patient_id")
    reason: bytes = Field(sa_column=sealed_bytes())
    merged_at: datetime = Field(sa_column=moment())
    merged_by: str = Field(sa_column=words())


class ScreeningRow(Base, table=True):
    """One screening, or what the desk noted at intake; `found` holds the concerns.

    `valid_until` is said of one that found nothing, by the clinician who signs it.
    """

    __tablename__ = "screenings"
    __table_args__ = (
        CheckConstraint("valid_until IS NULL OR clinician_id IS NOT NULL", name="signed"),
        Index("ix_screenings_patient_id", "patient_id", "screened_at"),
    )

    screening_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    clinician_id: UUID | None = Field(foreign_key="clinicians.clinician_id")
    found: bytes = Field(sa_column=sealed_bytes())
    valid_until: date | None = Field(sa_column=Column(Date))
    screened_at: datetime = Field(sa_column=moment())
    recorded_by: str | None = Field(sa_column=Column(Text))


class Clearance(Base, table=True):
    """A clinician's word that a held patient may be infused, and until which day it holds.

    `note` is what it rests on.
    """

    __tablename__ = "clearances"

    clearance_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    note: bytes = Field(sa_column=sealed_bytes())
    valid_until: date = Field(sa_column=Column(Date, nullable=False))
    cleared_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
