"""What a visit costs from a day on, and the services that no fee covers yet."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class Fee(Base, table=True):
    """What a visit costs from a day on, by the wall of the visit's own place.

    `starts_at` is that day's first moment at the clinic, by which packages are offered.
    A row is never changed. Of several that start on one day the last revision counts. Nothing is a
    fee too: that of what is included in something else.
    """

    __tablename__ = "fees"
    __table_args__ = (
        CheckConstraint("amount_cents >= 0", name="amount"),
        UniqueConstraint("visit_type", "effective_from", "revision"),
        Index("ix_fees_in_force", "visit_type", "starts_at", "revision"),
    )

    fee_id: UUID = Field(primary_key=True)
    visit_type: str = Field(sa_column=words())
    amount_cents: int = Field(sa_column=cents())
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())


class UnchargedInfusion(Base, table=True):
    """A completed infusion or session that no fee covers yet. The row goes when one does."""

    __tablename__ = "uncharged_infusions"
    __table_args__ = (
        CheckConstraint("service IN ('infusion', 'session')", name="service"),
        Index("ix_uncharged_infusions_visit_type", "visit_type", "started_at"),
        Index("ix_uncharged_infusions_noticed_at", "noticed_at", "infusion_id"),
    )

    infusion_id: UUID = Field(primary_key=True)
    service: str = Field(sa_column=words())
    patient_id: UUID
    appointment_id: UUID
    visit_type: str = Field(sa_column=words())
    started_at: datetime = Field(sa_column=moment())
    noticed_at: datetime = Field(sa_column=moment())
