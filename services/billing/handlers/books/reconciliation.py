"""Reconciliation: Stripe's balance is fetched in parts, posted where it is news, and compared.

Every morning, and whenever a biller asks. Fees, payouts and what Stripe moves of itself are
posted from what it shows, for nobody else tells of them; payments, refunds and disputes are in the
books already, and compared.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from pydantic import BaseModel, computed_field

from services.billing.gateways.balance import ProcessorBalance
from services.billing.handlers.books.funding import tie_fundings
from services.billing.rules.books import ledger
from services.billing.rules.books import reconciliation as rules
from services.billing.rules.books.funding import judge_funding
from services.billing.rules.books.ledger import Reason
from services.billing.rules.books.reconciliation import Break, MovementKind
from services.billing.rules.books.suspense import waits, waits_beyond
from services.billing.store import disputes, fundings, suspense
from services.billing.store import ledger as books
from services.billing.store import reconciliation as store
from services.billing.tables import Reconciliation
from services.billing.work import LookForRefunds
from services.billing.work.reconciliation import (
    BalanceFound,
    CompareBooks,
    FetchBalance,
    FetchMovements,
    FetchPayout,
    FetchPayouts,
    MovementsFound,
    PayoutFound,
    PayoutsFound,
)
from shared.events.billing import BooksReconciled
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

log = structlog.get_logger(__name__)


class ReconciliationBegun(BaseModel):
    reconciliation_id: UUID
    looks_from: datetime


class ReconciliationListed(BaseModel):
    """`difference_cents` is what Stripe holds less what the books have there."""

    reconciliation_id: UUID
    began_at: datetime
    looks_from: datetime
    parts_left: int
    compared_at: datetime | None
    found_cents: int | None
    booked_cents: int | None
    breaks: int | None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def difference_cents(self) -> int | None:
        if self.found_cents is None or self.booked_cents is None:
            return None
        return self.found_cents - self.booked_cents


async def compare_books(_: CompareBooks, tx: Transaction) -> None:
    """The morning's round."""
    await begin(tx)


async def begin(tx: Transaction) -> ReconciliationBegun | Refused:
    """Have the window's movements, the payouts and the balance fetched anew."""
    reconciliation_id, since = new_id(), rules.looks_from(tx.now)
    tx.insert(
        Reconciliation,
        reconciliation_id=reconciliation_id,
        began_at=tx.now,
        looks_from=since,
        parts_left=2,
    )
    tx.do(FetchMovements(reconciliation_id=reconciliation_id, since=since))
    tx.do(FetchPayouts(reconciliation_id=reconciliation_id, since=since))
    return ReconciliationBegun(reconciliation_id=reconciliation_id, looks_from=since)


async def fetch_movements(work: FetchMovements, balance: ProcessorBalance) -> MovementsFound:
    return await balance.movements(work)


async def keep_movements(found: MovementsFound, tx: Transaction) -> None:
    await store.keep_movements(tx, found.movements)
    if found.last is not None:
        tx.do(
            FetchMovements(
                reconciliation_id=found.reconciliation_id, since=found.since, after=found.last
            )
        )
        return
    await _parts(tx, found.reconciliation_id, -1)


async def fetch_payouts(work: FetchPayouts, balance: ProcessorBalance) -> PayoutsFound:
    return await balance.payouts(work)


async def keep_payouts(found: PayoutsFound, tx: Transaction) -> None:
    await store.keep_payouts(tx, found.payouts)
    untied = await store.untied(tx, [one.payout_id for one in found.payouts])
    for payout_id in untied:
        tx.do(FetchPayout(reconciliation_id=found.reconciliation_id, payout_id=payout_id))
    await _parts(tx, found.reconciliation_id, len(untied) - 1)


async def fetch_payout(work: FetchPayout, balance: ProcessorBalance) -> PayoutFound:
    return await balance.payout(work)


async def keep_payout(found: PayoutFound, tx: Transaction) -> None:
    await store.keep_movements(tx, found.movements, payout_id=found.payout_id)
    if found.last is not None:
        tx.do(
            FetchPayout(
                reconciliation_id=found.reconciliation_id,
                payout_id=found.payout_id,
                after=found.last,
            )
        )
        return
    await _parts(tx, found.reconciliation_id, -1)


async def fetch_balance(work: FetchBalance, balance: ProcessorBalance) -> BalanceFound:
    return await balance.held(work)


async def keep_balance(found: BalanceFound, tx: Transaction) -> None:
    await _parts(tx, found.reconciliation_id, -1, held_cents=found.held_cents)


async def _parts(
    tx: Transaction, reconciliation_id: UUID, more: int, *, held_cents: int | None = None
) -> None:
    """Count a part; after the last of them ask what Stripe holds now, and after that compare."""
    progress = await store.count_parts(tx, reconciliation_id, more, held_cents=held_cents)
    if progress is None or progress.parts_left:
        return
    if progress.held_cents is None:
        await store.count_parts(tx, reconciliation_id, 1)
        tx.do(FetchBalance(reconciliation_id=reconciliation_id))
        return
    await _compare(tx, reconciliation_id, progress.looks_from, progress.held_cents)


async def _compare(
    tx: Transaction, reconciliation_id: UUID, looks_from: datetime, held_cents: int
) -> None:
    await _post_news(tx)
    ties = await store.ties(tx, looks_from)
    judged = [rules.judge(tie, tx.now) for tie in ties]
    judged += [
        rules.judge_payout(payout, cents)
        for payout, cents in await store.payout_ties(tx, looks_from)
    ]
    judged += [judge_funding(tie, tx.now) for tie in await fundings.ties(tx)]
    breaks = [one for one in judged if one is not None]
    breaks += [
        waits(row.transaction_id, row.amount_cents, row.created_at)
        for row in await suspense.waiting(tx)
    ]
    breaks += [
        waits_beyond(row.stripe_refund_id, row.beyond_cents, row.asked_at)
        for row in await suspense.beyond(tx)
    ]
    breaks += [
        rules.judge_decided(row.stripe_dispute_id, row.at_bank_cents, row.closed_at)
        for row in await disputes.not_moved(tx, tx.now - rules.SETTLES_WITHIN)
    ]
    booked_cents = await store.clearing_cents(tx)
    if whole := rules.judge_balance(booked_cents, held_cents, ties, tx.now):
        breaks.append(whole)
    await store.compared(tx, reconciliation_id, booked_cents, breaks)
    for one in breaks:
        if one.subject is MovementKind.REFUND:
            look = LookForRefunds(payment_intent_id=one.reference)
            tx.do(look, key=f"look-for-refunds:{one.reference}")
    _tell(tx, reconciliation_id, booked_cents, held_cents, breaks)


async def _post_news(tx: Transaction) -> None:
    """Post what Stripe tells of first, its fees and payouts, and take back payouts that failed.

    What it moved for what the books do not know goes into suspense. Lines of CareCredit's reports
    are posted where their payment was recorded after them.
    """
    for row in await store.fees_to_post(tx):
        of_dispute = row.kind == MovementKind.DISPUTE
        fee = ledger.stripe_fee(
            row.transaction_id, row.fee_cents, row.created_at, of_dispute=of_dispute
        )
        books.post(tx, fee)
    for row in await suspense.to_post(tx):
        books.post(tx, ledger.stripe_moved(row.transaction_id, row.amount_cents, row.created_at))
    for row in await store.payouts_to_post(tx):
        books.post(tx, ledger.payout(row.payout_id, row.amount_cents, row.created_at))
    for payout_id in await store.payouts_to_reverse(tx):
        await books.reverse(tx, Reason.PAYOUT, payout_id)
    await tie_fundings(tx)


def _tell(
    tx: Transaction,
    reconciliation_id: UUID,
    booked_cents: int,
    held_cents: int,
    breaks: list[Break],
) -> None:
    if breaks:
        log.warning("books_differ")
    tx.publish(
        BooksReconciled(
            reconciliation_id=reconciliation_id,
            booked_cents=booked_cents,
            held_cents=held_cents,
            breaks=len(breaks),
            compared_at=tx.now,
        )
    )


async def list_runs(asked: Paging, tx: Transaction) -> Page[ReconciliationListed] | Refused:
    """Comparisons, the newest first."""
    return await page(
        tx,
        store.runs(),
        by=store.BY_BEGINNING,
        asked=asked,
        item=lambda row: ReconciliationListed.model_validate(row, from_attributes=True),
        newest_first=True,
    )
