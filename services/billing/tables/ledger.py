"""The ledger: accounts, and transfers between them, which nobody changes.

A row is one transfer: the same cents into `debit` and out of `credit`. So every row, and any
number of rows, sums to zero. Balances are sums over the rows and are kept nowhere.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import cents, moment, words


class LedgerAccount(Base, table=True):
    """Where cents can be. `name` is what the accountant reads. A migration adds a row."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('asset', 'liability', 'income', 'contra', 'expense')", name="kind"
        ),
    )

    account: str = Field(sa_column=Column(words().type, primary_key=True))
    kind: str = Field(sa_column=words())
    name: str = Field(sa_column=words())


class LedgerTransfer(Base, table=True):
    """One leg of a posting. What is owed to or by a patient says whose it is.

    A reversal mirrors the transfer that it names, and there is one of each at the most: a trigger
    compares them.
    """

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("debit <> credit", name="accounts"),
        CheckConstraint(
            "patient_id IS NOT NULL OR NOT (ARRAY[debit, credit]"
            " && ARRAY['patient_receivable', 'patient_credit', 'unmatched_money'])",
            name="patient",
        ),
        CheckConstraint("charge_id IS NULL OR patient_id IS NOT NULL", name="charge"),
        UniqueConstraint("reason", "source_id", "leg"),
        Index("ix_ledger_transfers_patient_id", "patient_id", "charge_id"),
        Index(
            "uq_ledger_transfers_reverses",
            "reverses",
            unique=True,
            postgresql_where=text("reverses IS NOT NULL"),
        ),
    )

    transfer_id: UUID = Field(primary_key=True)
    reason: str = Field(sa_column=words())
    source_id: str = Field(sa_column=words())
    leg: int = Field(sa_column=Column(SmallInteger, nullable=False))
    debit: str = Field(foreign_key="ledger_accounts.account")
    credit: str = Field(foreign_key="ledger_accounts.account")
    amount_cents: int = Field(sa_column=cents())
    patient_id: UUID | None
    charge_id: UUID | None
    reverses: UUID | None = Field(foreign_key="ledger_transfers.transfer_id")
    happened_at: datetime = Field(sa_column=moment())
    posted_at: datetime = Field(sa_column=moment())
