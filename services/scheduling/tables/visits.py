"""What is kept of the day of a visit: consents, readings, overrides, notes, doses, limits.

What was measured, noted or signed is sealed. Who did it, when, and at which visit is not.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
)
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


def _maybewords() -> Column[str]:
    return Column(Text)


def _bound() -> Column[int]:
    return Column(Integer)


class Consent(Base, table=True):
    """A form that was signed, and what for; `signer` is by whom, and with which authority.

    `visit_types` are the infusions that it consents to; a form of another kind names none. One that
    is withdrawn stays on file.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("signed_at <= recorded_at AND signed_at < expires_at", name="signed"),
        CheckConstraint("(kind = 'infusion') = (cardinality(visit_types) > 0)", name="scope"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        Index("ix_consents_patient_id", "patient_id"),
    )

    consent_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    kind: str = Field(sa_column=words())
    form: str = Field(sa_column=words())
    version: str = Field(sa_column=words())
    visit_types: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    signer: bytes = Field(sa_column=sealed_bytes())
    signed_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str = Field(sa_column=words())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    withdrawn_by: str | None = Field(default=None, sa_column=_maybewords())


class Reading(Base, table=True):
    """Vitals at one moment of a visit; `vitals` holds them. None is ever changed."""

    __tablename__ = "readings"
    __table_args__ = (
        CheckConstraint("phase IN ('before', 'during', 'after')", name="phase"),
        Index("ix_readings_appointment_id", "appointment_id", "taken_at"),
    )

    reading_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    phase: str = Field(sa_column=words())
    taken_at: datetime = Field(sa_column=moment())
    taken_by: str = Field(sa_column=words())
    vitals: bytes = Field(sa_column=sealed_bytes())


class VitalsOverride(Base, table=True):
    """A prescriber's word that one reading past a soft limit may pass; `why` holds the reason."""

    __tablename__ = "vitals_overrides"
    __table_args__ = (Index("ix_vitals_overrides_signed_at", "signed_at", "override_id"),)

    override_id: UUID = Field(primary_key=True)
    reading_id: UUID = Field(foreign_key="readings.reading_id", unique=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    signed_at: datetime = Field(sa_column=moment())
    signed_by: str = Field(sa_column=words())
    why: bytes = Field(sa_column=sealed_bytes())


class ChartNote(Base, table=True):
    """Something noted at a visit; `note` holds what, and of which kind."""

    __tablename__ = "chart_notes"
    __table_args__ = (Index("ix_chart_notes_appointment_id", "appointment_id", "noted_at"),)

    note_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    noted_at: datetime = Field(sa_column=moment())
    noted_by: str = Field(sa_column=words())
    note: bytes = Field(sa_column=sealed_bytes())


class DosePlan(Base, table=True):
    """What a prescriber planned for a visit; the newest is the one that holds. None is changed."""

    __tablename__ = "dose_plans"
    __table_args__ = (Index("ix_dose_plans_appointment_id", "appointment_id", "planned_at"),)

    plan_id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    clinician_id: UUID = Field(foreign_key="clinicians.clinician_id")
    planned: bytes = Field(sa_column=sealed_bytes())
    planned_at: datetime = Field(sa_column=moment())
    planned_by: str = Field(sa_column=words())


class Dose(Base, table=True):
    """What ran of a plan, or that nothing did. `wasted`: some was left over.

    That nothing ran is signed by a clinician, with `not_given`, the reason.
    """

    __tablename__ = "doses"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(given, not_given) = 1 AND (given IS NULL) = (wasted IS NULL)"
            " AND (not_given IS NULL) = (clinician_id IS NULL)",
            name="given",
        ),
        CheckConstraint(
            "(witnessed_at IS NULL) = (witnessed_by IS NULL)"
            " AND (witnessed_by IS NULL OR wasted IS TRUE AND witnessed_by <> recorded_by)",
            name="witnessed",
        ),
    )

    appointment_id: UUID = Field(
        sa_column=Column(ForeignKey("appointments.appointment_id"), primary_key=True)
    )
    plan_id: UUID = Field(foreign_key="dose_plans.plan_id")
    given: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    wasted: bool | None = Field(sa_column=Column(Boolean))
    not_given: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    clinician_id: UUID | None = Field(foreign_key="clinicians.clinician_id")
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str = Field(sa_column=words())
    witnessed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    witnessed_by: str | None = Field(default=None, sa_column=_maybewords())


class LimitRow(Base, table=True):
    """What a measure of one visit type may be from a day on, and who signed it. Never changed.

    Of several that begin on one day the last revision counts.
    """

    __tablename__ = "clinical_limits"
    __table_args__ = (
        CheckConstraint("num_nonnulls(hard_low, soft_low, soft_high, hard_high) > 0", name="some"),
        CheckConstraint(
            "coalesce(hard_low, soft_low) <= coalesce(soft_low, hard_low)"
            " AND coalesce(soft_high, hard_high) <= coalesce(hard_high, soft_high)"
            " AND coalesce(soft_low, hard_low) <= coalesce(soft_high, hard_high)",
            name="order",
        ),
        CheckConstraint("(clinician_id IS NULL) = (signed_by IS NULL)", name="signed"),
    )

    visit_type: str = Field(sa_column=Column(Text, primary_key=True))
    measure: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    revision: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    hard_low: int | None = Field(sa_column=_bound())
    soft_low: int | None = Field(sa_column=_bound())
    soft_high: int | None = Field(sa_column=_bound())
    hard_high: int | None = Field(sa_column=_bound())
    source: str = Field(sa_column=words())
    clinician_id: UUID | None = Field(default=None, foreign_key="clinicians.clinician_id")
    signed_by: str | None = Field(default=None, sa_column=_maybewords())
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Passage(Base, table=True):
    """A change of state that a visit may make; a trigger lets no other happen."""

    __tablename__ = "visit_passages"

    from_state: str = Field(sa_column=Column(Text, primary_key=True))
    to_state: str = Field(sa_column=Column(Text, primary_key=True))
