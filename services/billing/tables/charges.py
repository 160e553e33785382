"""What is owed for a completed infusion: one charge per infusion, whoever writes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    UniqueConstraint,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class Charge(Base, table=True):
    """What a completed infusion costs, and whether it is paid."""

    __tablename__ = "charges"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("state IN ('open', 'declined', 'paid')", name="state"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid"),
        CheckConstraint("tender IN ('card', 'care_credit', 'cash', 'check')", name="tender"),
        UniqueConstraint("infusion_id"),
        Index("ix_charges_patient_id", "patient_id", "posted_at", "charge_id"),
        Index("ix_charges_appointment_id", "appointment_id"),
    )

    charge_id: UUID = Field(primary_key=True)
    patient_id: UUID
    infusion_id: UUID
    appointment_id: UUID
    fee_id: UUID = Field(foreign_key="fees.fee_id")
    amount_cents: int = Field(sa_column=cents())
    tender: str = Field(sa_column=words())
    state: str = Field(sa_column=words())
    posted_at: datetime = Field(sa_column=moment())
    paid_at: datetime | None = Field(sa_column=moment(nullable=True))
