"""Stripe's own account of the money: balance transactions, payouts, the balance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe

from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import PAGE, id_of
from services.billing.rules.books.reconciliation import Movement, MovementKind, Payout, PayoutState
from services.billing.work.reconciliation import (
    BalanceFound,
    FetchBalance,
    FetchMovements,
    FetchPayout,
    FetchPayouts,
    MovementsFound,
    PayoutFound,
    PayoutsFound,
)
from shared.errors import Poison

PAGES = 10
"""Of one stretch: a thousand movements are seconds of requests, well within a lease."""

_KINDS = {
    "charge": MovementKind.PAYMENT,
    "payment": MovementKind.PAYMENT,
    "refund": MovementKind.REFUND,
    "payment_refund": MovementKind.REFUND,
    "refund_failure": MovementKind.REFUND,
    "payment_failure_refund": MovementKind.REFUND,
    "payout": MovementKind.PAYOUT,
    "payout_failure": MovementKind.PAYOUT,
    "payout_cancel": MovementKind.PAYOUT,
    "stripe_fee": MovementKind.FEE,
    "stripe_fx_fee": MovementKind.FEE,
    "tax_fee": MovementKind.FEE,
}
"""By the `type` of a balance transaction (docs.stripe.com/reports/balance-transaction-types). A
dispute is an `adjustment` whose source is one."""

_FEES = frozenset({"fee", "network_cost"})
"""Reporting categories of Stripe's fees and of the networks' that it passes on, whatever the type:
some are adjustments (docs.stripe.com/reports/reporting-categories)."""

_PAYOUT_STATES = {
    "paid": PayoutState.PAID,
    "failed": PayoutState.FAILED,
    "canceled": PayoutState.FAILED,
}


class StripeBalance:
    """Reads, and never moves."""

    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def movements(self, work: FetchMovements) -> MovementsFound:
        """A stretch of what moved since then, the newest first, as Stripe lists it."""
        found, last = await self._stretch(
            {"created": {"gte": int(work.since.timestamp())}}, work.after
        )
        return MovementsFound(
            reconciliation_id=work.reconciliation_id,
            since=work.since,
            movements=tuple(found),
            last=last,
        )

    async def payout(self, work: FetchPayout) -> PayoutFound:
        """A stretch of what is in a payout."""
        found, last = await self._stretch({"payout": work.payout_id}, work.after)
        return PayoutFound(
            reconciliation_id=work.reconciliation_id,
            payout_id=work.payout_id,
            movements=tuple(found),
            last=last,
        )

    async def payouts(self, work: FetchPayouts) -> PayoutsFound:
        """Every payout of the window: one a day, so a few pages at the most."""
        created: Any = {"gte": int(work.since.timestamp())}
        async with self._stripe.request():
            page = await self._stripe.v1.payouts.list_async({"created": created, "limit": PAGE})
            payouts = [_payout(one) async for one in page.auto_paging_iter()]
        return PayoutsFound(reconciliation_id=work.reconciliation_id, payouts=tuple(payouts))

    async def held(self, work: FetchBalance) -> BalanceFound:
        """Available and pending, in dollars."""
        async with self._stripe.request():
            balance = await self._stripe.v1.balance.retrieve_async()
        available = sum(part.amount for part in balance.available if part.currency == "usd")
        pending = sum(part.amount for part in balance.pending if part.currency == "usd")
        return BalanceFound(
            reconciliation_id=work.reconciliation_id, held_cents=available + pending
        )

    async def _stretch(
        self, of: dict[str, Any], after: str | None
    ) -> tuple[list[Movement], str | None]:
        """Some pages, and where to go on; `None` at the end."""
        found: list[Movement] = []
        for _ in range(PAGES):
            asked: Any = of | {"limit": PAGE, "expand": ["data.source"]}
            if after is not None:
                asked["starting_after"] = after
            async with self._stripe.request():
                page = await self._stripe.v1.balance_transactions.list_async(asked)
            found += [_movement(one) for one in page.data]
            if not page.has_more:
                return found, None
            after = page.data[-1].id
        return found, after


def _movement(one: stripe.BalanceTransaction) -> Movement:
    if one.currency != "usd":
        raise Poison("stripe_moved_another_currency")
    source = one.source
    kind = _kind(one.type, one.reporting_category, source)
    return Movement(
        transaction_id=one.id,
        kind=kind,
        reference=_reference(kind, one.id, source),
        amount_cents=one.amount,
        fee_cents=one.fee,
        created_at=_moment(one.created),
    )


def _kind(type_: str, category: str, source: object) -> MovementKind:
    if isinstance(source, stripe.Dispute):
        return MovementKind.DISPUTE
    if category in _FEES:
        return MovementKind.FEE
    return _KINDS.get(type_, MovementKind.OTHER)


def _reference(kind: MovementKind, transaction_id: str, source: Any) -> str:
    """The payment that money moved for, the payout, or the transaction itself."""
    match kind:
        case MovementKind.PAYMENT | MovementKind.REFUND | MovementKind.DISPUTE:
            payment = getattr(source, "payment_intent", None)
            return id_of(payment) if payment is not None else transaction_id
        case MovementKind.PAYOUT if source is not None:
            return id_of(source)
        case _:
            return transaction_id


def _payout(one: stripe.Payout) -> Payout:
    return Payout(
        payout_id=one.id,
        amount_cents=one.amount,
        state=_PAYOUT_STATES.get(one.status, PayoutState.UNDER_WAY),
        created_at=_moment(one.created),
        arrives_on=_moment(one.arrival_date).date(),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
