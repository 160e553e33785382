"""Asking for what is owed: how far it has come, by which policy, and what stops it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, words


class DunningPolicy(Base, table=True):
    """After how many days each next try, or next page, comes. A migration adds a row."""

    __tablename__ = "dunning_policies"
    __table_args__ = (
        CheckConstraint(
            "\"case\" IN ('insufficient_funds', 'try_again_later', 'pay_link')", name="case"
        ),
    )

    case: str = Field(sa_column=Column(words().type, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    after_days: list[int] = Field(sa_column=Column(ARRAY(SmallInteger), nullable=False))
    source: str = Field(sa_column=words())


class NetworkCeiling(Base, table=True):
    """How often a network lets one card be tried. A migration adds a row."""

    __tablename__ = "network_ceilings"
    __table_args__ = (CheckConstraint("tries_max > 0 AND within_h > 0", name="figures"),)

    brand: str = Field(sa_column=Column(words().type, primary_key=True))
    within_h: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    tries_max: int = Field(sa_column=Column(SmallInteger, nullable=False))
    source: str = Field(sa_column=words())


class Dunning(Base, table=True):
    """A charge that a card refused, and what comes next. `tries` counts those by the policy."""

    __tablename__ = "dunnings"
    __table_args__ = (
        CheckConstraint("state IN ('going_on', 'given_up', 'settled')", name="state"),
        CheckConstraint("step IN ('try_card', 'send_link', 'give_up')", name="step"),
        Index(
            "ix_dunnings_given_up",
            "ended_at",
            "charge_id",
            postgresql_where=text("state = 'given_up'"),
        ),
    )

    charge_id: UUID = Field(foreign_key="charges.charge_id", primary_key=True)
    state: str = Field(sa_column=words())
    began_at: datetime = Field(sa_column=moment())
    tries: int = Field(sa_column=Column(SmallInteger, nullable=False))
    links: int = Field(sa_column=Column(SmallInteger, nullable=False))
    step: str = Field(sa_column=words())
    step_at: datetime = Field(sa_column=moment())
    why: str | None = Field(sa_column=words(nullable=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))


class CollectionsHold(Base, table=True):
    """Nothing is asked of a patient while it is open; of one charge, or of all of them."""

    __tablename__ = "collections_holds"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('dispute', 'estimate_dispute', 'hardship', 'clinical')", name="reason"
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index(
            "ix_collections_holds_open",
            "patient_id",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    hold_id: UUID = Field(primary_key=True)
    patient_id: UUID
    charge_id: UUID | None = Field(foreign_key="charges.charge_id")
    reason: str = Field(sa_column=words())
    opened_by: str = Field(sa_column=words())
    opened_at: datetime = Field(sa_column=moment())
    ended_by: str | None = Field(sa_column=words(nullable=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
