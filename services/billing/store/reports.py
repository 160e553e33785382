"""What the reports sum up, straight from the ledger: nothing here is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TIMESTAMP

from services.billing.rules.books.ledger import Account
from services.billing.rules.books.reports import Earned, Month
from services.billing.rules.clinic import CLINIC_ZONE, zone_of
from shared.messaging import Transaction

REVENUE = [account.value for account in Account if account.value.startswith("revenue_")]

_AT = bindparam("before", type_=TIMESTAMP(timezone=True))

# A debt is as old as the first thing that was posted for it. What is owed on nothing in particular
# ages from its own day.
_OWED = """
    SELECT patient_id, charge_id, min(happened_at) AS owed_since,
           sum(CASE debit WHEN 'patient_receivable' THEN amount_cents
                          ELSE -amount_cents END)::bigint AS owed_cents
      FROM ledger_transfers
     WHERE (debit = 'patient_receivable' OR credit = 'patient_receivable') AND posted_at < :before
     GROUP BY patient_id, charge_id
    HAVING sum(CASE debit WHEN 'patient_receivable' THEN amount_cents ELSE -amount_cents END) <> 0
"""

_DEBTS = text(
    f"""
    SELECT o.patient_id, o.owed_since, o.owed_cents, v.zone FROM ({_OWED}) AS o
      LEFT JOIN charges AS c USING (charge_id) LEFT JOIN visits AS v USING (appointment_id)
     ORDER BY o.patient_id, o.owed_since
    """
).bindparams(_AT)

_EARNED = text(
    """
    SELECT date_trunc('month', t.happened_at AT TIME ZONE :zone)::date AS month,
           coalesce(f.visit_type, 'other') AS visit_type,
           coalesce(sum(CASE WHEN credit = ANY(:revenue) THEN amount END), 0)
             - coalesce(sum(CASE WHEN debit = ANY(:revenue) THEN amount END), 0) AS gross_cents,
           coalesce(sum(CASE WHEN debit = 'discount' THEN amount END), 0)
             - coalesce(sum(CASE WHEN credit = 'discount' THEN amount END), 0) AS discounts_cents,
           coalesce(sum(CASE WHEN debit = 'refunds' THEN amount END), 0)
             - coalesce(sum(CASE WHEN credit = 'refunds' THEN amount END), 0) AS refunds_cents
      FROM (SELECT charge_id, happened_at, debit, credit, amount_cents::bigint AS amount
              FROM ledger_transfers
             WHERE happened_at >= :since AND happened_at < :before
               AND (debit = ANY(:kinds) OR credit = ANY(:kinds))) AS t
      LEFT JOIN charges AS c USING (charge_id) LEFT JOIN fees AS f USING (fee_id)
     GROUP BY 1, 2 ORDER BY 1, 2
    """
).bindparams(
    _AT,
    bindparam("since", type_=TIMESTAMP(timezone=True)),
    bindparam("zone", type_=TEXT),
    bindparam("revenue", type_=ARRAY(TEXT)),
    bindparam("kinds", type_=ARRAY(TEXT)),
)

_JOURNAL = text(
    """
    SELECT posted_at, happened_at, reason, source_id, leg, debit, d.name AS debit_name, credit,
           c.name AS credit_name, amount_cents, patient_id, charge_id, transfer_id, reverses
      FROM ledger_transfers
      JOIN ledger_accounts AS d ON d.account = debit
      JOIN ledger_accounts AS c ON c.account = credit
     WHERE posted_at >= :since AND posted_at < :before
     ORDER BY posted_at, transfer_id
    """
).bindparams(_AT, bindparam("since", type_=TIMESTAMP(timezone=True)))


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed on one charge; negative where more was paid than is owed.

    `owed_since` is by the wall of the place of its visit.
    """

    patient_id: UUID
    owed_since: date
    owed_cents: int


async def debts(tx: Transaction, before: datetime) -> list[Debt]:
    """What was owed at a moment, by patient and age, as it was posted by then."""
    rows = await tx.execute(_DEBTS, {"before": before})
    return [
        Debt(
            row.patient_id,
            row.owed_since.astimezone(zone_of(row.zone)).date(),
            row.owed_cents,
        )
        for row in rows
    ]


async def earned(tx: Transaction, since: datetime, before: datetime) -> list[Earned]:
    """Income by month of the service and kind of visit, with what was given up of it."""
    rows = await tx.execute(
        _EARNED,
        {
            "since": since,
            "before": before,
            "zone": CLINIC_ZONE.key,
            "revenue": REVENUE,
            "kinds": [*REVENUE, Account.DISCOUNT.value, Account.REFUNDS.value],
        },
    )
    return [
        Earned(
            _month(row.month),
            row.visit_type,
            int(row.gross_cents),
            int(row.discounts_cents),
            int(row.refunds_cents),
        )
        for row in rows
    ]


async def journal(tx: Transaction, since: datetime, before: datetime) -> Sequence[Row[Any]]:
    """Every transfer that was posted in a span, in the order of posting."""
    return (await tx.execute(_JOURNAL, {"since": since, "before": before})).all()


def _month(first: date) -> Month:
    return Month(first.year, first.month)
