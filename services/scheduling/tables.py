"""What scheduling keeps. Names, contacts and diagnoses are sealed; the database holds the rest to
its rules: no chair and no patient is in two visits at once, whoever writes.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Column, LargeBinary, MetaData, SmallInteger, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db import NAMING
from shared.moments import moment


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """Base of scheduling's tables."""


def _text() -> Column[str]:
    return Column(Text, nullable=False)


class Location(Base, table=True):
    """A place with chairs, in its own time zone."""

    __tablename__ = "locations"

    location_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=_text())
    zone: str = Field(sa_column=_text())


class Chair(Base, table=True):
    __tablename__ = "chairs"

    chair_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    name: str = Field(sa_column=_text())


class Clinician(Base, table=True):
    """Someone who renders or prescribes; printed on superbills and prescriptions."""

    __tablename__ = "clinicians"

    clinician_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=_text())
    credential: str = Field(sa_column=_text())
    npi: str = Field(sa_column=_text())
    license_number: str = Field(sa_column=_text())
    dea_number: str | None = Field(sa_column=Column(Text))


class Patient(Base, table=True):
    """`sealed` holds name, birth date, phone, e-mail, address; `concerns` what screening found."""

    __tablename__ = "patients"

    patient_id: UUID = Field(primary_key=True)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    concerns: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    held: bool = Field(sa_column=Column(Boolean, nullable=False))
    registered_at: datetime = Field(sa_column=moment())


class Series(Base, table=True):
    """A course of infusions. `sealed` holds the diagnoses it is given for."""

    __tablename__ = "series"
    __table_args__ = (
        CheckConstraint("state IN ('booked', 'completed', 'stopped')", name="state"),
        CheckConstraint("completed_infusions BETWEEN 0 AND planned_infusions", name="progress"),
    )

    series_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    prescriber_id: UUID = Field(foreign_key="clinicians.clinician_id")
    visit_type: str = Field(sa_column=_text())
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    planned_infusions: int = Field(sa_column=Column(SmallInteger, nullable=False))
    completed_infusions: int = Field(
        sa_column=Column(SmallInteger, nullable=False, server_default="0")
    )
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="booked"))
    booked_at: datetime = Field(sa_column=moment())


class Appointment(Base, table=True):
    """One visit in one chair. `ride` is sealed: who drives, and the phone."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("(started_at IS NULL) = (infusion_id IS NULL)", name="infusion"),
    )

    appointment_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    series_id: UUID | None = Field(foreign_key="series.series_id", index=True)
    sequence_no: int | None = Field(sa_column=Column(SmallInteger))
    location_id: UUID = Field(foreign_key="locations.location_id")
    chair_id: UUID = Field(foreign_key="chairs.chair_id")
    visit_type: str = Field(sa_column=_text())
    starts_at: datetime = Field(sa_column=moment())
    ends_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="booked"))
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    ride: bytes | None = Field(sa_column=Column(LargeBinary))
    fasted: bool | None = Field(sa_column=Column(Boolean))
    infusion_id: UUID | None = Field(unique=True)
    clinician_id: UUID | None = Field(foreign_key="clinicians.clinician_id")
    started_at: datetime | None = Field(sa_column=moment(nullable=True))
    stopped_at: datetime | None = Field(sa_column=moment(nullable=True))
    no_drive_until: datetime | None = Field(sa_column=moment(nullable=True))
