"""Services that are priced and wait to be charged, and how far a bill may exceed an estimate."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class EstimateMargin(Base, table=True):
    """From how many cents above its estimate on a bill may be disputed. A migration adds a row."""

    __tablename__ = "estimate_margins"
    __table_args__ = (CheckConstraint("margin_cents > 0", name="margin"),)

    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    margin_cents: int = Field(sa_column=cents())
    source: str = Field(sa_column=words())


class HeldCharge(Base, table=True):
    """A service that is not charged yet, and what somebody made of it. The row stays.

    `waits_for` names the rules that are still broken, `charged_cents` what a person decided to
    charge instead of `amount_cents`, the fee.
    """

    __tablename__ = "held_charges"
    __table_args__ = (
        CheckConstraint("service IN ('infusion', 'session')", name="service"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("state IN ('held', 'posted', 'waived')", name="state"),
        CheckConstraint("(state = 'held') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'held') = (cardinality(waits_for) > 0)", name="waits_for"),
        CheckConstraint("decision IN ('approve', 'new_estimate', 'write_down')", name="decision"),
        CheckConstraint(
            "num_nulls(decision, decided_by, decided_because, decided_at) IN (0, 4)",
            name="decided",
        ),
        CheckConstraint(
            "(charged_cents IS NOT NULL) = (decision IS NOT NULL AND decision = 'write_down')"
            " AND charged_cents >= 0 AND charged_cents < amount_cents",
            name="charged",
        ),
        CheckConstraint(
            "(state = 'waived') = (charged_cents IS NOT NULL AND charged_cents = 0)",
            name="waived",
        ),
        Index(
            "ix_held_charges_held_at",
            "held_at",
            "infusion_id",
            postgresql_where=text("state = 'held'"),
        ),
        Index("ix_held_charges_patient_id", "patient_id"),
        Index("ix_held_charges_series_id", "series_id"),
    )

    infusion_id: UUID = Field(primary_key=True)
    service: str = Field(sa_column=words())
    patient_id: UUID
    appointment_id: UUID
    series_id: UUID | None = Field()
    visit_type: str = Field(sa_column=words())
    started_at: datetime = Field(sa_column=moment())
    amount_cents: int = Field(sa_column=cents())
    clinician_id: UUID | None = Field()
    waits_for: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    state: str = Field(sa_column=words())
    held_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    decision: str | None = Field(sa_column=words(nullable=True))
    charged_cents: int | None = Field(sa_column=cents(nullable=True))
    decided_by: str | None = Field(sa_column=words(nullable=True))
    decided_because: str | None = Field(sa_column=words(nullable=True))
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))
