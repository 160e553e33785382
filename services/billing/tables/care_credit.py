"""CareCredit: a payment that is made on its own pages, and comes days later, or does not."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, SmallInteger, UniqueConstraint, text
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class CareCreditTender(Base, table=True):
    """One use of CareCredit for one charge, as far as it has come. Its id is its payment's.

    One without a charge pays the package whose purchase has its id.

    It goes one way: a link is sent, the payment is reported, confirmed, funded; before that it may
    be rejected. Of the account only the last four digits are kept.
    """

    __tablename__ = "care_credit_tenders"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint(
            "state IN ('link_sent', 'reported', 'confirmed', 'funded', 'rejected')", name="state"
        ),
        CheckConstraint("channel IN ('portal', 'link', 'phone', 'terminal')", name="channel"),
        CheckConstraint("promo_months BETWEEN 1 AND 60", name="promo_months"),
        CheckConstraint("account_last4 ~ '^[0-9]{4}$'", name="account_last4"),
        CheckConstraint("fee_cents BETWEEN 0 AND amount_cents", name="fee"),
        CheckConstraint("(state = 'funded') = (fee_cents IS NOT NULL)", name="funded"),
        CheckConstraint("(state = 'rejected') = (rejection IS NOT NULL)", name="rejected"),
        CheckConstraint("state <> 'link_sent' OR channel = 'link'", name="link"),
        Index("ix_care_credit_tenders_charge_id", "charge_id"),
        Index(
            "ix_care_credit_tenders_waiting",
            "begun_at",
            "tender_id",
            postgresql_where=text("state IN ('link_sent', 'reported', 'confirmed')"),
        ),
    )

    tender_id: UUID = Field(primary_key=True)
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    patient_id: UUID
    amount_cents: int = Field(sa_column=cents())
    promo_months: int | None = Field(sa_column=Column(SmallInteger, nullable=True))
    account_last4: str | None = Field(sa_column=words(nullable=True))
    channel: str = Field(sa_column=words())
    state: str = Field(sa_column=words())
    fee_cents: int | None = Field(sa_column=cents(nullable=True))
    rejection: str | None = Field(sa_column=words(nullable=True))
    begun_at: datetime = Field(sa_column=moment())
    changed_at: datetime = Field(sa_column=moment())
    changed_by: str = Field(sa_column=words())


class CareCreditFunding(Base, table=True):
    """A line of a funding report. A negative one takes back what came before.

    `tender_id` is the payment that it is of, once that is known; nothing else of it changes.
    """

    __tablename__ = "care_credit_fundings"
    __table_args__ = (
        CheckConstraint(
            "gross_cents <> 0"
            " AND fee_cents BETWEEN least(gross_cents, 0) AND greatest(gross_cents, 0)",
            name="fee",
        ),
        UniqueConstraint("reference", "funded_on", "gross_cents"),
        Index(
            "ix_care_credit_fundings_untied",
            "reference",
            postgresql_where=text("tender_id IS NULL"),
        ),
        Index("ix_care_credit_fundings_tender_id", "tender_id"),
    )

    funding_id: UUID = Field(primary_key=True)
    reference: str = Field(sa_column=words())
    gross_cents: int = Field(sa_column=cents())
    fee_cents: int = Field(sa_column=cents())
    funded_on: date = Field(sa_column=Column(Date, nullable=False))
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
    tender_id: UUID | None = Field(default=None, foreign_key="care_credit_tenders.tender_id")
