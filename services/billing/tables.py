"""What billing keeps: fees, visits, charges, tries, payments, cards, superbills.

Ids, states and cents are in the clear; client secrets and superbills are sealed. The database
holds the promises whoever writes: one charge per infusion, one try under way and one that
succeeded per charge, one payment from outside per charge and per reference, and a superbill that
nobody changes.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db import NAMING
from shared.moments import moment
from shared.sealed import Sealed


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """Base of billing's tables."""


def _text(*, nullable: bool = False) -> Column[str]:
    return Column(Text, nullable=nullable)


def _cents() -> Column[int]:
    return Column("amount_cents", Integer, nullable=False)


class Fee(Base, table=True):
    """What a visit costs from a day on. In force from `starts_at`, that day's local midnight.

    A row is never changed. Of several that start on one day the last revision counts.
    """

    __tablename__ = "fees"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        UniqueConstraint("visit_type", "effective_from", "revision"),
        Index("ix_fees_in_force", "visit_type", "starts_at", "revision"),
    )

    fee_id: UUID = Field(primary_key=True)
    visit_type: str = Field(sa_column=_text())
    amount_cents: int = Field(sa_column=_cents())
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())


class UnchargedInfusion(Base, table=True):
    """A completed infusion that no fee covers yet. The row goes when its charge comes."""

    __tablename__ = "uncharged_infusions"
    __table_args__ = (
        Index("ix_uncharged_infusions_visit_type", "visit_type", "started_at"),
        Index("ix_uncharged_infusions_noticed_at", "noticed_at", "infusion_id"),
    )

    infusion_id: UUID = Field(primary_key=True)
    patient_id: UUID
    appointment_id: UUID
    visit_type: str = Field(sa_column=_text())
    started_at: datetime = Field(sa_column=moment())
    noticed_at: datetime = Field(sa_column=moment())


class Visit(Base, table=True):
    """Whose an appointment is, as scheduling said, and how it will be paid where that is chosen.

    Whoever prices its infusion and whoever chooses a tender lock this row first.
    """

    __tablename__ = "visits"
    __table_args__ = (
        CheckConstraint("tender IN ('card', 'care_credit', 'cash', 'check')", name="tender"),
        CheckConstraint("(tender IS NULL) = (chosen_at IS NULL)", name="chosen"),
    )

    appointment_id: UUID = Field(primary_key=True)
    patient_id: UUID
    tender: str | None = Field(sa_column=_text(nullable=True))
    chosen_at: datetime | None = Field(sa_column=moment(nullable=True))


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
    amount_cents: int = Field(sa_column=_cents())
    tender: str = Field(sa_column=_text())
    state: str = Field(sa_column=_text())
    posted_at: datetime = Field(sa_column=moment())
    paid_at: datetime | None = Field(sa_column=moment(nullable=True))


class Customer(Base, table=True):
    """A patient as Stripe knows them: by a random id, and by nothing else."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("stripe_customer_id"),)

    patient_id: UUID = Field(primary_key=True)
    stripe_customer_id: str | None = Field(sa_column=_text(nullable=True))
    created_at: datetime = Field(sa_column=moment())


class CardSetup(Base, table=True):
    """One agreement to have a card on file. `sealed` holds the browser's client secret."""

    __tablename__ = "card_setups"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'ready', 'saved', 'failed')", name="state"),
        CheckConstraint("(sealed IS NULL) OR (stripe_setup_intent_id IS NOT NULL)", name="intent"),
        UniqueConstraint("stripe_setup_intent_id"),
        Index("ix_card_setups_patient_id", "patient_id"),
    )

    setup_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="customers.patient_id")
    state: str = Field(sa_column=_text())
    stripe_setup_intent_id: str | None = Field(sa_column=_text(nullable=True))
    sealed: bytes | None = Field(sa_column=Column(Sealed))
    created_at: datetime = Field(sa_column=moment())


class Card(Base, table=True):
    """A card that may be charged off session.

    A patient's card on file is the one whose set-up began last, whenever Stripe told of it.
    """

    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("setup_id"),
        Index("ix_cards_newest", "patient_id", "set_up_at", "setup_id"),
    )

    card_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="customers.patient_id")
    setup_id: UUID = Field(foreign_key="card_setups.setup_id")
    stripe_payment_method_id: str = Field(sa_column=_text())
    set_up_at: datetime = Field(sa_column=moment())
    saved_at: datetime = Field(sa_column=moment())


class PaymentAttempt(Base, table=True):
    """One try at one card. Its id is Stripe's idempotency key, so it is committed before the call.

    No card on file is a try as well: one that is declined without a call. One that a person gave
    up is abandoned, and decided once Stripe has told what came of it.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'captured', 'declined', 'abandoned')", name="state"),
        CheckConstraint(
            "(state IN ('declined', 'abandoned')) = (reason IS NOT NULL)", name="reason"
        ),
        CheckConstraint(
            "state = 'abandoned' OR (state = 'pending') = (decided_at IS NULL)", name="decided"
        ),
        CheckConstraint("card_id IS NOT NULL OR state = 'declined'", name="card"),
        Index("ix_payment_attempts_charge_id", "charge_id"),
        Index(
            "uq_payment_attempts_under_way",
            "charge_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index(
            "uq_payment_attempts_captured",
            "charge_id",
            unique=True,
            postgresql_where=text("state = 'captured'"),
        ),
        UniqueConstraint("stripe_payment_intent_id"),
    )

    attempt_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    card_id: UUID | None = Field(foreign_key="cards.card_id")
    state: str = Field(sa_column=_text())
    reason: str | None = Field(sa_column=_text(nullable=True))
    stripe_payment_intent_id: str | None = Field(sa_column=_text(nullable=True))
    created_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))


class UnmatchedPayment(Base, table=True):
    """Money that Stripe took for a try that had ended, beside what its charge was owed."""

    __tablename__ = "unmatched_payments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_unmatched_payments_attempt_id", "attempt_id"),
        Index(
            "ix_unmatched_payments_waiting",
            "noticed_at",
            "payment_intent_id",
            postgresql_where=text("returned_at IS NULL"),
        ),
    )

    payment_intent_id: str = Field(sa_column=Column(Text, primary_key=True))
    attempt_id: UUID = Field(foreign_key="payment_attempts.attempt_id")
    amount_cents: int = Field(sa_column=_cents())
    noticed_at: datetime = Field(sa_column=moment())
    returned_at: datetime | None = Field(sa_column=moment(nullable=True))


class OutsidePayment(Base, table=True):
    """A payment that did not pass through Stripe. Its reference is the other side's receipt."""

    __tablename__ = "outside_payments"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("tender IN ('care_credit', 'cash', 'check')", name="tender"),
        UniqueConstraint("charge_id"),
        UniqueConstraint("tender", "reference"),
    )

    payment_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    tender: str = Field(sa_column=_text())
    reference: str = Field(sa_column=_text())
    amount_cents: int = Field(sa_column=_cents())
    recorded_at: datetime = Field(sa_column=moment())


class SuperbillNumber(Base, table=True):
    """The last number given out in a year. Its row lock makes the numbers gapless."""

    __tablename__ = "superbill_numbers"

    year: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last_number: int = Field(sa_column=Column(Integer, nullable=False))


class Superbill(Base, table=True):
    """A numbered superbill, sealed. `content_sha256` is over the JSON before it was sealed."""

    __tablename__ = "superbills"
    __table_args__ = (
        CheckConstraint("total_cents > 0", name="total"),
        UniqueConstraint("charge_id"),
        UniqueConstraint("number"),
        Index("ix_superbills_patient_id", "patient_id", "issued_at", "superbill_id"),
    )

    superbill_id: UUID = Field(primary_key=True)
    number: str = Field(sa_column=_text())
    patient_id: UUID
    infusion_id: UUID
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    total_cents: int = Field(sa_column=Column(Integer, nullable=False))
    sealed: bytes = Field(sa_column=Column(Sealed, nullable=False))
    content_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    issued_at: datetime = Field(sa_column=moment())


class SuperbillHold(Base, table=True):
    """A paid charge whose superbill waits, and the rules that it would break."""

    __tablename__ = "superbill_holds"
    __table_args__ = (
        CheckConstraint("cardinality(rules) > 0", name="rules"),
        Index("ix_superbill_holds_noticed_at", "noticed_at", "charge_id"),
    )

    charge_id: UUID = Field(primary_key=True, foreign_key="charges.charge_id")
    rules: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    noticed_at: datetime = Field(sa_column=moment())


class SuperbillDocument(Base, table=True):
    """The PDF of a superbill, sealed. With it the superbill is out."""

    __tablename__ = "superbill_documents"

    superbill_id: UUID = Field(primary_key=True, foreign_key="superbills.superbill_id")
    sealed: bytes = Field(sa_column=Column(Sealed, nullable=False))
    rendered_at: datetime = Field(sa_column=moment())
