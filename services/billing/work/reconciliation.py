"""Stripe's balance is fetched in parts: movements, payouts, what is in each; then what it holds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.billing.rules.books.reconciliation import Movement, Payout
from shared.messaging import Fact, Work


class CompareBooks(Work):
    """Comes round every morning."""


class FetchMovements(Work):
    """Ask Stripe for a stretch of the window's movements, after the one that is known already."""

    reconciliation_id: UUID
    since: datetime
    after: str | None = None


class MovementsFound(Fact):
    """`last` is where to go on; none at the end."""

    reconciliation_id: UUID
    since: datetime
    movements: tuple[Movement, ...]
    last: str | None


class FetchPayouts(Work):
    """Ask Stripe for the payouts of the window."""

    reconciliation_id: UUID
    since: datetime


class PayoutsFound(Fact):
    reconciliation_id: UUID
    payouts: tuple[Payout, ...]


class FetchPayout(Work):
    """Ask Stripe what is in a payout."""

    reconciliation_id: UUID
    payout_id: str
    after: str | None = None


class PayoutFound(Fact):
    reconciliation_id: UUID
    payout_id: str
    movements: tuple[Movement, ...]
    last: str | None


class FetchBalance(Work):
    """Ask Stripe what it holds."""

    reconciliation_id: UUID


class BalanceFound(Fact):
    """Available and pending together."""

    reconciliation_id: UUID
    held_cents: int
