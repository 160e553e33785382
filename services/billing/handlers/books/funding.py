"""CareCredit's funding reports are taken in, and what came is posted to the payment it is of.

CareCredit has no interface for one clinic: a biller enters the report of its portal. Each line is
kept and posted once, however often a report is entered; one whose payment is not in the books yet
waits for it, and is a break meanwhile.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.packages import paying
from services.billing.handlers.payments.outside import Reference
from services.billing.rules.books import funding as rules
from services.billing.rules.books import ledger
from services.billing.rules.books.funding import Line
from services.billing.rules.books.ledger import Reason
from services.billing.rules.clinic import CLINIC_ZONE, clinic_day
from services.billing.rules.payments.care_credit import CareCreditState
from services.billing.rules.payments.references import reference_as_kept
from services.billing.store import care_credit, charges, packages
from services.billing.store import fundings as store
from services.billing.store.ledger import post, reverse
from shared.http.problems import Refused
from shared.messaging import Transaction

Cents = Annotated[int, Field(strict=True, ge=-100_000_000, le=100_000_000)]

BY_REPORT = "funding report"
"""Who brings a payment further when a report does."""


class FundingRow(BaseModel):
    """A line of the report. What takes back is negative, and its fee with it."""

    reference: Reference
    gross_cents: Cents
    fee_cents: Cents
    net_cents: Cents
    funded_on: Day


class EnterReport(BaseModel):
    """A report, whole. Where one row is wrong none is kept."""

    rows: Annotated[list[FundingRow], Field(min_length=1, max_length=500)]


class ReportEntered(BaseModel):
    """`news` of the rows were not known; `tied` lines found their payment, this time."""

    rows: int
    news: int
    tied: int


async def enter_report(wish: EnterReport, by: str, tx: Transaction) -> ReportEntered | Refused:
    """Keep what is news, and post what is of a known payment."""
    lines = [
        Line(
            reference_as_kept(row.reference),
            row.gross_cents,
            row.fee_cents,
            row.net_cents,
            row.funded_on,
        )
        for row in wish.rows
    ]
    if broken := rules.broken_by_report(lines, clinic_day(tx.now)):
        return Refused.by_rules(broken)
    news = await store.keep(tx, lines, by)
    return ReportEntered(rows=len(lines), news=news, tied=await tie_fundings(tx))


async def tie_fundings(tx: Transaction) -> int:
    """Post the lines whose payment is known by now; how many those are."""
    waiting = await store.to_tie(tx)
    for row in waiting:
        # as whoever confirms, funds or rejects by hand
        if row.charge_id is not None:
            await charges.lock(tx, row.charge_id)
        else:
            await packages.lock(tx, row.tender_id)
        if await _tie(tx, row.funding_id, row.tender_id) and row.charge_id is None:
            await paying.settle_funded(row.tender_id, tx)
    return len(waiting)


async def _tie(tx: Transaction, funding_id: UUID, tender_id: UUID) -> bool:
    """A payment that its lines bring whole is funded. Whether this line made it so.

    Of one that was noted as funded by hand the lines say what came: that posting is reversed.
    """
    line = await store.line(tx, funding_id, tender_id)
    state = CareCreditState(line.state)
    if line.tied_to is not None or state is CareCreditState.REJECTED:
        return False
    sums = await store.tie(tx, funding_id, tender_id)
    await reverse(tx, Reason.CARE_CREDIT_FUNDED, str(tender_id))
    at = datetime.combine(line.funded_on, time.min, CLINIC_ZONE)
    post(tx, ledger.care_credit_line(funding_id, line.gross_cents, line.fee_cents, at))
    if state is CareCreditState.FUNDED or sums.gross_cents != line.amount_cents:
        return False
    if state is CareCreditState.REPORTED:  # the money says it as well as a notice would
        await care_credit.step(tx, tender_id, CareCreditState.CONFIRMED, by=BY_REPORT)
    await care_credit.step(
        tx, tender_id, CareCreditState.FUNDED, by=BY_REPORT, fee_cents=sums.fee_cents
    )
    return True
