"""What the clinic gave up of a charge, and why."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class ChargeAdjustment(Base, table=True):
    """A discount on a charge, or what was written off of it."""

    __tablename__ = "charge_adjustments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("kind IN ('discount', 'write_off')", name="kind"),
        Index("ix_charge_adjustments_charge_id", "charge_id"),
    )

    adjustment_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    kind: str = Field(sa_column=words())
    reason: str = Field(sa_column=words())
    amount_cents: int = Field(sa_column=cents())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
