"""Who waits for a chair, to whom a freed one was offered, which gaps are at risk, who missed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class WaitingWish(Base, table=True):
    """One patient's wish for an earlier or another chair, and when the patient could come.

    `appointment_id` is the visit that would move there; without one, it is for an infusion that
    the patient's series lacks, or for a treatment of which `ordered_by` and `diagnoses` say who
    orders it, and for what.
    """

    __tablename__ = "waiting_wishes"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'filled', 'withdrawn', 'expired')", name="state"),
        CheckConstraint(
            "(ordered_by IS NULL) = (diagnoses IS NULL)"
            " AND (ordered_by IS NULL OR appointment_id IS NULL)",
            name="ordered",
        ),
        Index(
            "ix_waiting_wishes_waiting",
            "location_id",
            "made_at",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "uq_waiting_wishes_missing",
            "patient_id",
            "visit_type",
            unique=True,
            postgresql_where=text("state = 'waiting' AND appointment_id IS NULL"),
        ),
        Index(
            "uq_waiting_wishes_moving",
            "appointment_id",
            unique=True,
            postgresql_where=text("state = 'waiting' AND appointment_id IS NOT NULL"),
        ),
    )

    wish_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    visit_type: str = Field(sa_column=words())
    appointment_id: UUID | None = Field(foreign_key="appointments.appointment_id")
    ordered_by: UUID | None = Field(foreign_key="clinicians.clinician_id")
    diagnoses: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    windows: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    state: str = Field(sa_column=words())
    made_at: datetime = Field(sa_column=moment())


class ChairOffer(Base, table=True):
    """A freed chair, offered to one who waits; offers of one `opening_id` are for the same.

    It is free from `free_from` to `free_until`; the visit that is offered is within.
    """

    __tablename__ = "chair_offers"
    __table_args__ = (
        CheckConstraint(
            "state IN ('open', 'taken', 'lost', 'declined', 'expired', 'withdrawn')", name="state"
        ),
        CheckConstraint("offered_at < expires_at AND starts_at < ends_at", name="times"),
        Index(
            "uq_chair_offers_taken",
            "opening_id",
            unique=True,
            postgresql_where=text("state = 'taken'"),
        ),
        Index("uq_chair_offers_once", "opening_id", "wish_id", unique=True),
    )

    offer_id: UUID = Field(primary_key=True)
    opening_id: UUID = Field()
    free_from: datetime = Field(sa_column=moment())
    free_until: datetime = Field(sa_column=moment())
    wish_id: UUID = Field(foreign_key="waiting_wishes.wish_id", index=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    chair_id: UUID = Field(foreign_key="chairs.chair_id")
    visit_type: str = Field(sa_column=words())
    starts_at: datetime = Field(sa_column=moment())
    ends_at: datetime = Field(sa_column=moment())
    offered_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=words())


class GapRisk(Base, table=True):
    """A gap of a series that will be too long unless somebody acts; raised once, till it is mended.

    It begins with the infusion `after_appointment_id`, and is too long from `breaks_at` on.
    """

    __tablename__ = "gap_risks"
    __table_args__ = (
        Index(
            "uq_gap_risks_open",
            "series_id",
            "after_appointment_id",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        ),
        Index("ix_gap_risks_raised_at", "raised_at", "risk_id"),
    )

    risk_id: UUID = Field(primary_key=True)
    series_id: UUID = Field(foreign_key="series.series_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    location_id: UUID = Field(foreign_key="locations.location_id")
    after_appointment_id: UUID = Field(foreign_key="appointments.appointment_id")
    breaks_at: datetime = Field(sa_column=moment())
    raised_at: datetime = Field(sa_column=moment())
    cleared_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class MissedVisit(Base, table=True):
    """A visit that was missed, or cancelled by the patient later than the house asks for."""

    __tablename__ = "missed_visits"
    __table_args__ = (CheckConstraint("kind IN ('no_show', 'late_cancel')", name="kind"),)

    appointment_id: UUID = Field(primary_key=True, foreign_key="appointments.appointment_id")
    patient_id: UUID = Field(foreign_key="patients.patient_id", index=True)
    kind: str = Field(sa_column=words())
    starts_at: datetime = Field(sa_column=moment())
    notice_min: int = Field(sa_column=Column(Integer, nullable=False))
    noted_at: datetime = Field(sa_column=moment())
