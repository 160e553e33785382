"""Balances, as the ledger has them. Nothing here writes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.billing.rules.books.ledger import DEBIT_NORMAL, Account, AccountKind
from services.billing.store import ledger as store
from shared.messaging import Transaction

CHARGES_SHOWN = 100
"""Of the charges on which something is owed, the oldest; the sum is over all."""


class ChargeOwed(BaseModel):
    charge_id: UUID
    owed_since: datetime
    owed_cents: int


class PatientBalance(BaseModel):
    """What a patient owes, what was paid ahead, and what is to be given back.

    `owed` names the charges on which something is owed, the oldest first.
    """

    patient_id: UUID
    currency: Literal["USD"] = "USD"
    owed_cents: int
    credit_cents: int
    unmatched_cents: int
    owed: list[ChargeOwed]


class AccountBalance(BaseModel):
    """`balance_cents` is on the side that the account's kind grows on."""

    account: Account
    kind: AccountKind
    name: str
    debit_cents: int
    credit_cents: int
    balance_cents: int


class TrialBalance(BaseModel):
    """Every account. Both sums are the same, or rows were made past the database's constraints."""

    currency: Literal["USD"] = "USD"
    debit_cents: int
    credit_cents: int
    accounts: list[AccountBalance]


async def show_balance(patient_id: UUID, tx: Transaction) -> PatientBalance:
    """A patient who was never charged owes nothing."""
    total = await store.total_of_patient(tx, patient_id)
    owed = await store.owed_by_patient(tx, patient_id, CHARGES_SHOWN)
    return PatientBalance(
        patient_id=patient_id,
        owed_cents=total.owed_cents,
        credit_cents=total.credit_cents,
        unmatched_cents=total.unmatched_cents,
        owed=[ChargeOwed.model_validate(row, from_attributes=True) for row in owed],
    )


async def list_accounts(tx: Transaction) -> TrialBalance:
    """The trial balance, summed from the first transfer on."""
    shown = []
    for row in await store.accounts(tx):
        kind, balance = AccountKind(row.kind), row.debit_cents - row.credit_cents
        shown.append(
            AccountBalance(
                account=Account(row.account),
                kind=kind,
                name=row.name,
                debit_cents=row.debit_cents,
                credit_cents=row.credit_cents,
                balance_cents=balance if kind in DEBIT_NORMAL else -balance,
            )
        )
    return TrialBalance(
        debit_cents=sum(one.debit_cents for one in shown),
        credit_cents=sum(one.credit_cents for one in shown),
        accounts=shown,
    )
