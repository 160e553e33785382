"""The ledger: what is posted, and the balances that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from services.billing.rules.books.ledger import Posting, Reason
from services.billing.tables import LedgerTransfer
from shared.ids import new_id
from shared.messaging import Transaction

_STANDING = text(
    """
    SELECT t.transfer_id, t.debit, t.credit, t.amount_cents, t.patient_id, t.charge_id
      FROM ledger_transfers AS t
     WHERE t.reason = :reason AND t.source_id = :source_id
       AND NOT EXISTS (SELECT FROM ledger_transfers AS r WHERE r.reverses = t.transfer_id)
    """
)

_AGAIN = text(
    """
    SELECT t.source_id, t.debit, t.amount_cents,
           EXISTS (SELECT FROM ledger_transfers AS r WHERE r.reverses = t.transfer_id) AS reversed
      FROM ledger_transfers AS t
     WHERE t.reason = :reason AND split_part(t.source_id, ':', 1) = :source_id
    """
)

_OF_PATIENT = """
    SELECT charge_id, min(happened_at) AS owed_since,
           sum(CASE account WHEN 'patient_receivable' THEN cents ELSE 0 END) AS owed_cents,
           sum(CASE account WHEN 'patient_credit' THEN -cents ELSE 0 END) AS credit_cents,
           sum(CASE account WHEN 'unmatched_money' THEN -cents ELSE 0 END) AS unmatched_cents
      FROM (SELECT charge_id, happened_at, debit AS account, amount_cents AS cents
              FROM ledger_transfers WHERE patient_id = :patient_id
            UNION ALL
            SELECT charge_id, happened_at, credit, -amount_cents
              FROM ledger_transfers WHERE patient_id = :patient_id) AS entries
     GROUP BY charge_id
"""

_PATIENT_TOTAL = text(
    "SELECT coalesce(sum(owed_cents), 0) AS owed_cents,"
    " coalesce(sum(credit_cents), 0) AS credit_cents,"
    f" coalesce(sum(unmatched_cents), 0) AS unmatched_cents FROM ({_OF_PATIENT}) AS of_charge"
)

_PATIENT_OWES = text(
    "SELECT charge_id, owed_since, owed_cents"
    f" FROM ({_OF_PATIENT}) AS of_charge WHERE owed_cents <> 0"
    " ORDER BY owed_since, charge_id LIMIT :limit"
)

_ACCOUNTS = text(
    """
    WITH entries AS (
        SELECT debit AS account, sum(amount_cents) AS debit_cents, 0 AS credit_cents
          FROM ledger_transfers GROUP BY debit
        UNION ALL
        SELECT credit, 0, sum(amount_cents) FROM ledger_transfers GROUP BY credit
    )
    SELECT account, kind, name, coalesce(sum(debit_cents), 0)::bigint AS debit_cents,
           coalesce(sum(credit_cents), 0)::bigint AS credit_cents
      FROM ledger_accounts LEFT JOIN entries USING (account)
     GROUP BY account, kind, name
     ORDER BY array_position(ARRAY['asset', 'liability', 'income', 'contra', 'expense'], kind),
              account
    """
)


def post(tx: Transaction, posting: Posting) -> None:
    """Write a posting. The same cause a second time breaks a constraint and the transaction."""
    for number, leg in enumerate(posting.legs, 1):
        tx.insert(
            LedgerTransfer,
            transfer_id=new_id(),
            reason=posting.reason.value,
            source_id=posting.source_id,
            leg=number,
            debit=leg.debit.value,
            credit=leg.credit.value,
            amount_cents=leg.amount_cents,
            patient_id=posting.patient_id,
            charge_id=posting.charge_id,
            happened_at=posting.happened_at,
            posted_at=tx.now,
        )


async def reverse(tx: Transaction, reason: Reason, source_id: str) -> int:
    """Post the mirror of what stands of a posting. How many legs stood: 0 posts nothing."""
    standing = (await tx.execute(_STANDING, {"reason": reason.value, "source_id": source_id})).all()
    for leg in standing:
        tx.insert(
            LedgerTransfer,
            transfer_id=new_id(),
            reason=Reason.REVERSAL.value,
            source_id=str(leg.transfer_id),
            leg=1,
            debit=leg.credit,
            credit=leg.debit,
            amount_cents=leg.amount_cents,
            patient_id=leg.patient_id,
            charge_id=leg.charge_id,
            reverses=leg.transfer_id,
            happened_at=tx.now,
            posted_at=tx.now,
        )
    return len(standing)


async def post_again(tx: Transaction, posting: Posting) -> None:
    """Write a posting whose cause may come more than once: from the second on it has a number."""
    cause = {"reason": posting.reason.value, "source_id": posting.source_id}
    before = len({row.source_id for row in await tx.execute(_AGAIN, cause)})
    numbered = f"{posting.source_id}:{before + 1}" if before else posting.source_id
    post(tx, replace(posting, source_id=numbered))


async def standing_cents(tx: Transaction, reason: Reason, source_id: str) -> Counter[str]:
    """What stands of all that one cause posted, by the account that it went into."""
    cents: Counter[str] = Counter()
    for row in await tx.execute(_AGAIN, {"reason": reason.value, "source_id": source_id}):
        if not row.reversed:
            cents[row.debit] += row.amount_cents
    return cents


async def reverse_all(tx: Transaction, reason: Reason, source_id: str) -> None:
    """Post the mirror of what stands of all that one cause posted."""
    rows = await tx.execute(_AGAIN, {"reason": reason.value, "source_id": source_id})
    for numbered in sorted({row.source_id for row in rows}):
        await reverse(tx, reason, numbered)


@dataclass(frozen=True, slots=True)
class PatientTotal:
    """What a patient owes, has paid ahead, and is to be given back."""

    owed_cents: int
    credit_cents: int
    unmatched_cents: int


async def total_of_patient(tx: Transaction, patient_id: UUID) -> PatientTotal:
    row = (await tx.execute(_PATIENT_TOTAL, {"patient_id": patient_id})).one()
    return PatientTotal(int(row.owed_cents), int(row.credit_cents), int(row.unmatched_cents))


async def owed_by_patient(
    tx: Transaction, patient_id: UUID, limit: int
) -> Sequence[Row[tuple[Any, ...]]]:
    """The charges on which something is owed, the oldest first."""
    return (await tx.execute(_PATIENT_OWES, {"patient_id": patient_id, "limit": limit})).all()


async def accounts(tx: Transaction) -> Sequence[Row[tuple[Any, ...]]]:
    """Every account with the sums of its two sides."""
    return (await tx.execute(_ACCOUNTS)).all()
