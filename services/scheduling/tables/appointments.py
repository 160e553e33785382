"""Visits. No chair and no patient is in two at once, whoever writes."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
    true,
)
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


def _yes() -> Column[bool]:
    return Column(Boolean, nullable=False, server_default=true())


def _plan() -> Column[UUID]:
    """A plan refers to its visit too."""
    name = "fk_appointments_dose_plan_id"
    return Column(Uuid, ForeignKey("dose_plans.plan_id", use_alter=True, name=name))


def _reading(name: str) -> Column[UUID]:
    """Readings refer to their visit, and a visit to two of them: one way is added afterwards."""
    key = ForeignKey("readings.reading_id", use_alter=True, name=f"fk_appointments_{name}")
    return Column(Uuid, key)


class Appointment(Base, table=True):
    """One visit: an infusion of a series, a treatment outside one, or a session that is led.

    An infusion and a treatment have a chair; a treatment has a clinician who ordered it instead of
    a series, a session one who leads it.

    A chair that is held for a plan is a row too, and no visit (`holds.Hold`).

    `driver` holds who drives, and the phone; `ride_seen` who came, and who saw it. `fasting_asked`,
    `ride_asked`, `dose_asked`, `vitals_asked` and `orientation_asked` are what the type of visit
    asks for, as the start found it;
    `transferred_to` is the hospital that took the patient over, and why; `left_at` when a patient
    walked out. `consent_id`,
    `screened_until`, `dose_plan_id` and `reading_id` are what the start rested on,
    `left_on_reading_id` what the discharge did. `ran` is whether anything of an infusion
    that is over ran, once that is on record. `late_since` is when the next entry of its chart was
    due, while it is late. Of a session that took place, `clinician_id`, `started_at` and
    `stopped_at` are who led it and when it really was, `diagnoses` (sealed) what it was held for,
    or a treatment is given for; those of an infusion are its series'. Exclusion constraints, in the
    migration, keep chairs, leaders, rooms and patients from being in two visits at once, by the
    times that are booked; two unique indexes keep a chair and a patient from having two drips that
    run.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("series_id", "sequence_no"),
        CheckConstraint(
            "state IN ('held', 'booked', 'confirmed', 'checked_in', 'cleared', 'running',"
            " 'completed', 'recovering', 'discharged', 'cancelled', 'no_show', 'sent_home',"
            " 'aborted', 'left', 'attended')",
            name="state",
        ),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("ride_mode IN ('driver', 'rideshare')", name="ride_mode"),
        CheckConstraint("driver IS NULL OR ride_mode IS NOT NULL", name="driver"),
        CheckConstraint(
            "(state IN ('running', 'completed', 'recovering', 'discharged', 'aborted', 'left'))"
            " = (infusion_id IS NOT NULL)",
            name="infusion",
        ),
        CheckConstraint(
            "(infusion_id IS NOT NULL OR state = 'attended') = (started_at IS NOT NULL)"
            " AND (started_at IS NULL) = (clinician_id IS NULL)",
            name="started",
        ),
        CheckConstraint(
            "(state IN ('completed', 'recovering', 'discharged', 'aborted', 'left', 'attended'))"
            " = (stopped_at IS NOT NULL) AND started_at <= stopped_at",
            name="stopped",
        ),
        CheckConstraint("(state = 'aborted') = (abort_reason IS NOT NULL)", name="aborted"),
        CheckConstraint(
            "(ran IS NULL OR stopped_at IS NOT NULL AND infusion_id IS NOT NULL)"
            " AND (ran IS NOT FALSE OR state = 'aborted')"
            " AND (state <> 'discharged' OR ran IS TRUE)",
            name="ran",
        ),
        CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name="cleared"),
        CheckConstraint(
            "state NOT IN ('cleared', 'running') OR cleared_at IS NOT NULL", name="cleared_first"
        ),
        CheckConstraint("(ride_seen IS NULL) = (ride_seen_at IS NULL)", name="ride_seen"),
        CheckConstraint(
            "(state IN ('discharged', 'left') OR state = 'aborted' AND no_drive_until IS NOT NULL)"
            " = (no_drive_until IS NOT NULL)",
            name="discharged",
        ),
        CheckConstraint(
            "no_drive_until IS NULL OR transferred_to IS NOT NULL OR left_at IS NOT NULL"
            " OR ((oriented IS TRUE OR NOT orientation_asked)"
            " AND (ride_seen IS NOT NULL OR NOT ride_asked)"
            " AND (left_on_reading_id IS NOT NULL OR NOT vitals_asked))",
            name="leaving",
        ),
        CheckConstraint(
            "(state <> 'left' OR left_at IS NOT NULL)"
            " AND (left_at IS NULL OR state IN ('left', 'sent_home')"
            " OR state = 'aborted' AND no_drive_until IS NOT NULL)",
            name="left",
        ),
        CheckConstraint(
            "(state <> 'attended' OR led_by IS NOT NULL)"
            " AND (state = 'attended' OR ordered_by IS NOT NULL) = (diagnoses IS NOT NULL)",
            name="attended",
        ),
        CheckConstraint("(state = 'sent_home') = (sent_home_reason IS NOT NULL)", name="sent_home"),
        CheckConstraint(
            "infusion_id IS NULL OR ((fasted IS TRUE OR NOT fasting_asked)"
            " AND (ride_mode IS NOT NULL OR NOT ride_asked)"
            " AND consent_id IS NOT NULL AND (reading_id IS NOT NULL OR NOT vitals_asked)"
            " AND cleared_at IS NOT NULL"
            " AND screened_until IS NOT NULL AND (dose_plan_id IS NOT NULL OR NOT dose_asked))",
            name="gates",
        ),
        CheckConstraint(
            "state = 'held'"
            " OR num_nulls(series_id, sequence_no) IN (0, 2)"
            " AND num_nonnulls(series_id, led_by, ordered_by) = 1"
            " AND (chair_id IS NULL) = (led_by IS NOT NULL)"
            " AND (led_by IS NULL OR infusion_id IS NULL)",
            name="kind",
        ),
        CheckConstraint(
            "(state = 'held') = (hold_id IS NOT NULL) AND (state <> 'held'"
            " OR chair_id IS NOT NULL AND series_id IS NULL AND led_by IS NULL)",
            name="held",
        ),
        Index("ix_appointments_hold_id", "hold_id", postgresql_where=text("hold_id IS NOT NULL")),
        Index("ix_appointments_chair_id_starts_at", "chair_id", "starts_at"),
        Index(
            "ix_appointments_led_by_starts_at",
            "led_by",
            "starts_at",
            postgresql_where=text("led_by IS NOT NULL"),
        ),
        Index("ix_appointments_patient_id_starts_at", "patient_id", "starts_at"),
        Index(
            "ix_appointments_location_id_starts_at", "location_id", "starts_at", "appointment_id"
        ),
        Index("ix_appointments_starts_at", "starts_at", "appointment_id"),
        Index(
            "uq_appointments_running_chair",
            "chair_id",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
        Index(
            "uq_appointments_running_patient",
            "patient_id",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
        Index(
            "ix_appointments_not_gone",
            "stopped_at",
            "appointment_id",
            postgresql_where=text(
                "state IN ('completed', 'recovering', 'aborted') AND no_drive_until IS NULL"
            ),
        ),
        Index(
            "ix_appointments_open_ends_at",
            "ends_at",
            postgresql_where=text(
                "state IN ('booked', 'confirmed', 'checked_in', 'cleared', 'running')"
            ),
        ),
    )

    appointment_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    series_id: UUID | None = Field(foreign_key="series.series_id")
    sequence_no: int | None = Field(sa_column=Column(SmallInteger))
    location_id: UUID = Field(foreign_key="locations.location_id")
    chair_id: UUID | None = Field(foreign_key="chairs.chair_id")
    led_by: UUID | None = Field(foreign_key="clinicians.clinician_id")
    ordered_by: UUID | None = Field(default=None, foreign_key="clinicians.clinician_id")
    room_id: UUID | None = Field(default=None, foreign_key="rooms.room_id")
    hold_id: UUID | None = Field(default=None, foreign_key="holds.hold_id")
    visit_type: str = Field(sa_column=words())
    starts_at: datetime = Field(sa_column=moment())
    ends_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=words())
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False))
    ride_mode: str | None = Field(sa_column=Column(Text))
    driver: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    fasted: bool | None = Field(sa_column=Column(Boolean))
    infusion_id: UUID | None = Field(unique=True)
    clinician_id: UUID | None = Field(foreign_key="clinicians.clinician_id")
    started_at: datetime | None = Field(sa_column=moment(nullable=True))
    stopped_at: datetime | None = Field(sa_column=moment(nullable=True))
    no_drive_until: datetime | None = Field(sa_column=moment(nullable=True))
    sent_home_reason: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    cleared_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    cleared_by: str | None = Field(default=None, sa_column=Column(Text))
    consent_id: UUID | None = Field(default=None, foreign_key="consents.consent_id")
    screened_until: date | None = Field(default=None, sa_column=Column(Date))
    reading_id: UUID | None = Field(default=None, sa_column=_reading("reading_id"))
    dose_plan_id: UUID | None = Field(default=None, sa_column=_plan())
    left_on_reading_id: UUID | None = Field(default=None, sa_column=_reading("left_on_reading_id"))
    abort_reason: bytes | None = Field(default=None, sa_column=sealed_bytes(nullable=True))
    fasting_asked: bool = Field(default=True, sa_column=_yes())
    ride_asked: bool = Field(default=True, sa_column=_yes())
    dose_asked: bool = Field(default=True, sa_column=_yes())
    vitals_asked: bool = Field(default=True, sa_column=_yes())
    orientation_asked: bool = Field(default=True, sa_column=_yes())
    transferred_to: bytes | None = Field(default=None, sa_column=sealed_bytes(nullable=True))
    left_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ride_seen: bytes | None = Field(default=None, sa_column=sealed_bytes(nullable=True))
    ride_seen_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    oriented: bool | None = Field(default=None, sa_column=Column(Boolean))
    late_since: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ran: bool | None = Field(default=None, sa_column=Column(Boolean))
    diagnoses: bytes | None = Field(default=None, sa_column=sealed_bytes(nullable=True))
