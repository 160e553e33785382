"""Prepaid packages: what is offered, what was bought, and what became of each unit."""

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
    text,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


def _count() -> Column[int]:
    return Column(SmallInteger, nullable=False)


class Package(Base, table=True):
    """So many visits of one kind at one price, sold from `starts_at` until it is ended."""

    __tablename__ = "packages"
    __table_args__ = (
        CheckConstraint("units BETWEEN 2 AND 24", name="units"),
        CheckConstraint("price_cents >= units", name="price"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index("ix_packages_starts_at", "starts_at", "package_id"),
    )

    package_id: UUID = Field(primary_key=True)
    visit_type: str = Field(sa_column=words())
    units: int = Field(sa_column=_count())
    price_cents: int = Field(sa_column=cents())
    takes_care_credit: bool
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    starts_at: datetime = Field(sa_column=moment())
    source: str = Field(sa_column=words())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
    ended_by: str | None = Field(sa_column=words(nullable=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))


class PackagePurchase(Base, table=True):
    """A package that a patient bought, at its terms of that day. Its id is its payment's.

    It is committed before Stripe hears of it, and its id is Stripe's idempotency key. One at a
    time of a patient waits for its money.
    """

    __tablename__ = "package_purchases"
    __table_args__ = (
        CheckConstraint("units BETWEEN 2 AND 24", name="units"),
        CheckConstraint("price_cents >= units", name="price"),
        CheckConstraint(
            "tender IN ('card', 'hsa_card', 'care_credit', 'cash', 'check')", name="tender"
        ),
        CheckConstraint("(tender = 'card') = (card_id IS NOT NULL)", name="card"),
        CheckConstraint("(tender = 'card') = (reference IS NULL)", name="reference"),
        CheckConstraint("state IN ('pending', 'paid', 'declined', 'charged_back')", name="state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state = 'declined') = (reason IS NOT NULL)", name="reason"),
        Index("ix_package_purchases_patient_id", "patient_id", "bought_at", "purchase_id"),
        Index(
            "uq_package_purchases_under_way",
            "patient_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
        UniqueConstraint("tender", "reference"),
    )

    purchase_id: UUID = Field(primary_key=True)
    package_id: UUID = Field(foreign_key="packages.package_id")
    patient_id: UUID
    visit_type: str = Field(sa_column=words())
    units: int = Field(sa_column=_count())
    price_cents: int = Field(sa_column=cents())
    tender: str = Field(sa_column=words())
    reference: str | None = Field(sa_column=words(nullable=True))
    card_id: UUID | None = Field(foreign_key="cards.card_id")
    state: str = Field(sa_column=words())
    reason: str | None = Field(sa_column=words(nullable=True))
    bought_by: str = Field(sa_column=words())
    bought_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))


class PackageUnit(Base, table=True):
    """A unit that is gone: it pays a charge, or its money went back. A free one has no row.

    Of one that pays a charge `unit_id` is its payment's. One with `returned_at` is free again: the
    charge was refunded, or the money did not arrive.
    """

    __tablename__ = "package_units"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("value_cents > 0", name="value"),
        CheckConstraint("num_nonnulls(charge_id, refund_id) = 1", name="one_use"),
        Index(
            "uq_package_units_gone_once",
            "purchase_id",
            "number",
            unique=True,
            postgresql_where=text("returned_at IS NULL"),
        ),
        Index(
            "uq_package_units_charge_id",
            "charge_id",
            unique=True,
            postgresql_where=text("returned_at IS NULL"),
        ),
        Index("ix_package_units_refund_id", "refund_id"),
    )

    unit_id: UUID = Field(primary_key=True)
    purchase_id: UUID = Field(foreign_key="package_purchases.purchase_id")
    number: int = Field(sa_column=_count())
    value_cents: int = Field(sa_column=cents())
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    refund_id: UUID | None = Field(foreign_key="refunds.refund_id")
    gone_at: datetime = Field(sa_column=moment())
    returned_at: datetime | None = Field(sa_column=moment(nullable=True))
