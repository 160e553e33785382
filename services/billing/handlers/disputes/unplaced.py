"""Disputes of a payment that is not in the books: kept, posted and listed until it is found.

Its patient is not known, so nobody is held. What the bank keeps of it stands
against what the payment brought, until the payment is there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog

from services.billing.handlers.disputes.movements import note_movements
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import Reason
from services.billing.rules.disputes import course as rules
from services.billing.rules.disputes.course import DisputeState
from services.billing.store import disputes as store
from services.billing.store.disputes import LockedDispute
from services.billing.store.ledger import post_again, reverse_all, standing_cents
from services.billing.store.refunds import LockedPayment
from services.billing.work import DisputeStands, LookAtDispute, LookAtPayment
from shared.events.billing import UnknownDisputeClosed, UnknownPaymentDisputed
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

Stage = Literal["inquiry", "chargeback", "unanswered"]


async def follow(stands: DisputeStands, tx: Transaction) -> None:
    """Ask Stripe for the payment; where its news is not only late, keep what is known."""
    intent = stands.payment_intent_id
    tx.do(LookAtPayment(payment_intent_id=intent), key=f"look:{intent}")
    if tx.now - stands.opened_at < rules.PAYMENT_TAKES:
        _look_on(stands, rules.LOOK_AGAIN_AFTER, tx)
        return
    is_new = await store.keep(tx, None, None, stands)
    known = await store.lock(tx, stands.stripe_dispute_id)
    assert known is not None, "it was kept just now, or before"
    if known.is_placed or await store.is_old_news(tx, known.dispute_id, stands):
        return
    if is_new:
        log.warning("dispute_of_an_unknown_payment")
    await note_movements(known.dispute_id, None, stands, tx)
    if is_new or rules.moves_on(known.state, stands.state):
        await _move_on(known, stands, tx, is_new=is_new)
    if rules.looks_on(stands.state):
        _look_on(stands, rules.LOOK_ON_EVERY, tx)


def _look_on(stands: DisputeStands, after: timedelta, tx: Transaction) -> None:
    look = LookAtDispute(stripe_dispute_id=stands.stripe_dispute_id)
    tx.do(look, due=tx.now + after, key=f"look-on:{stands.stripe_dispute_id}")


async def _move_on(
    known: LockedDispute, stands: DisputeStands, tx: Transaction, *, is_new: bool
) -> None:
    dispute_id, state = known.dispute_id, stands.state
    if state is DisputeState.LOST:
        lost = await standing_cents(tx, Reason.UNKNOWN_LOST, str(dispute_id))
        taken_cents = max(0, await store.held_cents(tx, dispute_id) - lost.total())
        await post_again(tx, ledger.unknown_lost(dispute_id, taken_cents, tx.now))
    elif known.state is DisputeState.LOST:
        await reverse_all(tx, Reason.UNKNOWN_LOST, str(dispute_id))
    closed_at = tx.now if state in rules.CLOSED else None
    await store.set_state(tx, dispute_id, stands, hold_id=None, closed_at=closed_at)
    if closed_at is not None:
        tx.publish(
            UnknownDisputeClosed(
                dispute_id=dispute_id,
                outcome=state.value,
                amount_cents=stands.amount_cents,
                closed_at=closed_at,
            )
        )
    elif is_new or (state in rules.CHARGEBACKS and known.state not in rules.CHARGEBACKS):
        stage: Stage = "chargeback" if state in rules.CHARGEBACKS else "inquiry"
        tell(dispute_id, stage, stands.amount_cents, stands.due_at, tx)


def tell(
    dispute_id: UUID,
    stage: Stage,
    amount_cents: int,
    due_at: datetime | None,
    tx: Transaction,
) -> None:
    """Say that a bank doubts what nobody knows."""
    tx.publish(
        UnknownPaymentDisputed(
            dispute_id=dispute_id,
            stage=stage,
            amount_cents=amount_cents,
            due_at=due_at,
            noticed_at=tx.now,
        )
    )


async def place(
    known: LockedDispute,
    payment_id: UUID,
    paid: LockedPayment,
    stands: DisputeStands,
    tx: Transaction,
) -> DisputeStands:
    """The payment is found: the dispute is its patient's, and begins as it stands by now."""
    await reverse_all(tx, Reason.UNKNOWN_LOST, str(known.dispute_id))
    await store.place(tx, known.dispute_id, payment_id, paid)
    if not rules.moves_on(known.state, stands.state):
        return stands.model_copy(update={"state": known.state})
    return stands
