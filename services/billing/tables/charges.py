"""What is owed for an infusion or a session: one charge for each, whoever writes.

No more is taken and given up than it costs, and its state is what its sums say.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


def _sum() -> Column[int]:
    return Column(Integer, nullable=False, server_default=text("0"))


class Charge(Base, table=True):
    """What a service costs, and whether it is paid. A refund is taken off what was.

    Of a session `infusion_id` is its appointment.
    """

    __tablename__ = "charges"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(
            "state IN ('open', 'declined', 'partly_paid', 'paid', 'closed')", name="state"
        ),
        CheckConstraint(
            "paid_cents >= 0 AND forgiven_cents >= 0"
            " AND paid_cents + forgiven_cents <= amount_cents",
            name="sums",
        ),
        CheckConstraint(
            "CASE WHEN paid_cents + forgiven_cents = amount_cents"
            " THEN state = CASE WHEN paid_cents > 0 THEN 'paid' ELSE 'closed' END"
            " WHEN paid_cents > 0 THEN state = 'partly_paid'"
            " ELSE state IN ('open', 'declined') END",
            name="standing",
        ),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid"),
        CheckConstraint(
            "tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check', 'prepaid')",
            name="tender",
        ),
        CheckConstraint("service IN ('infusion', 'session')", name="service"),
        CheckConstraint("service = 'infusion' OR infusion_id = appointment_id", name="session"),
        UniqueConstraint("infusion_id"),
        Index("ix_charges_patient_id", "patient_id", "posted_at", "charge_id"),
        Index("ix_charges_appointment_id", "appointment_id"),
    )

    charge_id: UUID = Field(primary_key=True)
    patient_id: UUID
    service: str = Field(sa_column=words())
    infusion_id: UUID
    appointment_id: UUID
    fee_id: UUID = Field(foreign_key="fees.fee_id")
    amount_cents: int = Field(sa_column=cents())
    paid_cents: int = Field(sa_column=_sum())
    forgiven_cents: int = Field(sa_column=_sum())
    tender: str = Field(sa_column=words())
    state: str = Field(sa_column=words())
    posted_at: datetime = Field(sa_column=moment())
    paid_at: datetime | None = Field(sa_column=moment(nullable=True))
