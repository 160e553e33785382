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
