"""Every morning the books are compared with Stripe's own account of the money."""

from __future__ import annotations

from services.billing.gateways.balance import ProcessorBalance
from services.billing.handlers.books import reconciliation
from services.billing.rules.books.reconciliation import next_round
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
from shared.messaging import Handlers

on = Handlers("billing")

on.round(CompareBooks, after=next_round)(reconciliation.compare_books)
on.work(FetchMovements, calls=ProcessorBalance)(reconciliation.fetch_movements)
on.outcome(MovementsFound)(reconciliation.keep_movements)
on.work(FetchPayouts, calls=ProcessorBalance)(reconciliation.fetch_payouts)
on.outcome(PayoutsFound)(reconciliation.keep_payouts)
on.work(FetchPayout, calls=ProcessorBalance)(reconciliation.fetch_payout)
on.outcome(PayoutFound)(reconciliation.keep_payout)
on.work(FetchBalance, calls=ProcessorBalance)(reconciliation.fetch_balance)
on.outcome(BalanceFound)(reconciliation.keep_balance)
