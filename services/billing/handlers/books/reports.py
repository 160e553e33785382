"""Reports for the accountant: what is owed and how old it is, what was earned, the journal.

Each is a sum over the ledger at the moment of asking. A report as of a day gone by says today what
it said then, because nothing in the ledger changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.billing.documents import report_plots
from services.billing.documents.spreadsheets import csv_file, plain
from services.billing.rules.books import reports as rules
from services.billing.rules.books.reports import Bucket, Earned, Month
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.store import reports as store
from services.billing.store.reports import Debt
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.messaging import Transaction

DEBTORS_SHOWN = 200
SVG = "image/svg+xml"


class Aged(BaseModel):
    """What is owed for so many days."""

    bucket: Bucket
    owed_cents: int
    charges: int


class DebtorAged(BaseModel):
    """A patient's debt by age, in the order of the buckets."""

    patient_id: UUID
    owed_cents: int
    by_age_cents: list[int]


class AgedReceivables(BaseModel):
    """What patients owed at the end of a day. `debtors` are those who owe most, 200 at the most."""

    as_of: date
    currency: Literal["USD"] = "USD"
    owed_cents: int
    patients: int
    buckets: list[Aged]
    debtors: list[DebtorAged]


class MonthEarned(BaseModel):
    """`net_cents` is gross less discounts and refunds.

    What is charged stands in the month of its service, a discount or a refund in the month in
    which it was given.
    """

    month: str
    visit_type: str
    gross_cents: int
    discounts_cents: int
    refunds_cents: int
    net_cents: int


class Revenue(BaseModel):
    since: str
    until: str
    currency: Literal["USD"] = "USD"
    net_cents: int
    rows: list[MonthEarned]


async def aged_receivables(as_of: date | None, tx: Transaction) -> AgedReceivables:
    """What is owed, by age, and by whom."""
    day, debts = await _debts(as_of, tx)
    debtors = _debtors(day, debts)
    charges = Counter(_bucket(day, one) for one in debts)
    return AgedReceivables(
        as_of=day,
        owed_cents=sum(one.owed_cents for one in debts),
        patients=len(debtors),
        buckets=[
            Aged(
                bucket=bucket,
                owed_cents=sum(one.owed_cents for one in debts if _bucket(day, one) is bucket),
                charges=charges[bucket],
            )
            for bucket in Bucket
        ],
        debtors=debtors[:DEBTORS_SHOWN],
    )


async def aged_receivables_csv(as_of: date | None, tx: Transaction) -> Document:
    """Every debtor, those who owe most first."""
    day, debts = await _debts(as_of, tx)
    rows = (
        [one.patient_id, *map(plain, one.by_age_cents), plain(one.owed_cents)]
        for one in _debtors(day, debts)
    )
    head = ["patient_id", *(f"{bucket} days" for bucket in Bucket), "owed"]
    return csv_file(f"aged-receivables-{day}.csv", head, rows)


async def aged_receivables_plot(as_of: date | None, tx: Transaction) -> Document:
    """What is owed, by age, as a picture."""
    report = await aged_receivables(as_of, tx)
    owed = {str(one.bucket): one.owed_cents for one in report.buckets}
    picture = report_plots.draw_ageing(report.as_of, owed)
    return Document(picture.encode(), SVG, f"aged-receivables-{report.as_of}.svg")


async def revenue(since: Month | None, until: Month | None, tx: Transaction) -> Revenue | Refused:
    """What was earned, by month and kind of visit."""
    found = await _earned(since, until, tx)
    if isinstance(found, Refused):
        return found
    first, last, earned = found
    return Revenue(
        since=str(first),
        until=str(last),
        net_cents=sum(one.net_cents for one in earned),
        rows=[
            MonthEarned(
                month=str(one.month),
                visit_type=one.visit_type,
                gross_cents=one.gross_cents,
                discounts_cents=one.discounts_cents,
                refunds_cents=one.refunds_cents,
                net_cents=one.net_cents,
            )
            for one in earned
        ],
    )


async def revenue_csv(
    since: Month | None, until: Month | None, tx: Transaction
) -> Document | Refused:
    """The same as a table."""
    found = await _earned(since, until, tx)
    if isinstance(found, Refused):
        return found
    first, last, earned = found
    rows = (
        [
            one.month,
            one.visit_type,
            *map(
                plain,
                (one.gross_cents, one.discounts_cents, one.refunds_cents, one.net_cents),
            ),
        ]
        for one in earned
    )
    head = ["month", "visit_type", "gross", "discounts", "refunds", "net"]
    return csv_file(f"revenue-{first}-to-{last}.csv", head, rows)


async def revenue_plot(
    since: Month | None, until: Month | None, tx: Transaction
) -> Document | Refused:
    """The same as a picture: a column a month, a colour a kind of visit."""
    found = await _earned(since, until, tx)
    if isinstance(found, Refused):
        return found
    first, last, earned = found
    picture = report_plots.draw_revenue(list(rules.months(first, last)), earned)
    return Document(picture.encode(), SVG, f"revenue-{first}-to-{last}.svg")


async def journal_csv(since: date, until: date, tx: Transaction) -> Document | Refused:
    """Every transfer that was posted from one day to another, both included."""
    if broken := rules.broken_by_days(since, until):
        return Refused.by_rules(broken)
    found = await store.journal(tx, rules.begin_of(since), rules.end_of(until))
    rows = (
        [
            row.posted_at.astimezone(CLINIC_ZONE).date(),
            row.posted_at.isoformat(),
            row.happened_at.isoformat(),
            row.reason,
            row.source_id,
            row.leg,
            row.debit,
            row.debit_name,
            row.credit,
            row.credit_name,
            plain(row.amount_cents),
            "USD",
            row.patient_id or "",
            row.charge_id or "",
            row.transfer_id,
            row.reverses or "",
        ]
        for row in found
    )
    head = [
        "day",
        "posted_at",
        "happened_at",
        "reason",
        "source_id",
        "leg",
        "debit",
        "debit_name",
        "credit",
        "credit_name",
        "amount",
        "currency",
        "patient_id",
        "charge_id",
        "transfer_id",
        "reverses",
    ]
    return csv_file(f"journal-{since}-to-{until}.csv", head, rows)


async def _debts(as_of: date | None, tx: Transaction) -> tuple[date, list[Debt]]:
    day = as_of or tx.now.astimezone(CLINIC_ZONE).date()
    return day, await store.debts(tx, rules.end_of(day))


def _bucket(day: date, debt: Debt) -> Bucket:
    return rules.bucket_of((day - debt.owed_since).days)


def _debtors(day: date, debts: Sequence[Debt]) -> list[DebtorAged]:
    by_patient: dict[UUID, Counter[Bucket]] = {}
    for debt in debts:
        by_patient.setdefault(debt.patient_id, Counter())[_bucket(day, debt)] += debt.owed_cents
    debtors = [
        DebtorAged(
            patient_id=patient_id,
            owed_cents=aged.total(),
            by_age_cents=[aged[bucket] for bucket in Bucket],
        )
        for patient_id, aged in by_patient.items()
    ]
    return sorted(debtors, key=lambda one: (-one.owed_cents, one.patient_id))


async def _earned(
    since: Month | None, until: Month | None, tx: Transaction
) -> tuple[Month, Month, list[Earned]] | Refused:
    """The months asked for, the last twelve unless they are named."""
    last = until or Month.of(tx.now)
    first = since or last.plus(-11)
    if broken := rules.broken_by_months(first, last):
        return Refused.by_rules(broken)
    begins, ends = rules.begin_of(first.first), rules.begin_of(last.next.first)
    return first, last, await store.earned(tx, begins, ends)
