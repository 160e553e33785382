"""Code tables: what a code stands for and whether it bills, from a day on. Rows are only added."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, Column, Date, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.billing.tables.base import Base
from shared import columns


class DiagnosisCode(Base, table=True):
    """An ICD-10-CM code from a day on. A heading is there and not billable."""

    __tablename__ = "diagnosis_codes"

    code: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    is_billable: bool = Field(sa_column=Column(Boolean, nullable=False))
    words: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())


class ServiceCode(Base, table=True):
    """A CPT or HCPCS code from a day on, in the clinic's words, and what it stands beside.

    `requires` names codes of which one must stand on the same day, `excludes` those that may not.
    """

    __tablename__ = "service_codes"
    __table_args__ = (CheckConstraint("units_max > 0", name="units_max"),)

    code: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    is_billable: bool = Field(sa_column=Column(Boolean, nullable=False))
    words: str = Field(sa_column=columns.words())
    requires: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    excludes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    units_max: int | None = Field(sa_column=Column(SmallInteger))
    source: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())


class ExpectedCode(Base, table=True):
    """The code that an estimate expects of a visit which no clock codes, from a day on.

    The one that is billed is the clinician's: see `SessionCode`.
    """

    __tablename__ = "expected_codes"

    visit_type: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    code: str = Field(sa_column=columns.words())
    source: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())


class DrugCode(Base, table=True):
    """How infusions of a drug are coded from a day on, as scheduling's catalogue names the drug.

    `is_compounded` where the clinic has it compounded: then its line has the other code.
    """

    __tablename__ = "drug_codes"

    drug_name: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    push_code: str = Field(sa_column=columns.words())
    first_hour_code: str = Field(sa_column=columns.words())
    further_hour_code: str = Field(sa_column=columns.words())
    drug_code: str = Field(sa_column=columns.words())
    compounded_code: str = Field(sa_column=columns.words())
    is_compounded: bool = Field(sa_column=Column(Boolean, nullable=False))
    words: str = Field(sa_column=columns.words())
    place_of_service: str = Field(sa_column=columns.words())
    source: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())


class VisitTypeDrug(Base, table=True):
    """The drug that infusions of a type give from a day on, where no record names it."""

    __tablename__ = "visit_type_drugs"

    visit_type: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    drug_name: str = Field(sa_column=columns.words())
    source: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())


class BlockedCode(Base, table=True):
    """A code that no superbill of the clinic has from a day on, whatever else is on record of it.

    `words` say what it stands for.
    """

    __tablename__ = "blocked_codes"

    code: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    is_blocked: bool = Field(sa_column=Column(Boolean, nullable=False))
    words: str = Field(sa_column=columns.words())
    source: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())


class PlaceOfService(Base, table=True):
    """CMS's code of a place where the clinic sees people from a day on, or no longer does."""

    __tablename__ = "places_of_service"

    code: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    is_offered: bool = Field(sa_column=Column(Boolean, nullable=False))
    is_telehealth: bool = Field(sa_column=Column(Boolean, nullable=False))
    words: str = Field(sa_column=columns.words())
    source: str = Field(sa_column=columns.words())
    recorded_at: datetime = Field(sa_column=columns.moment())
