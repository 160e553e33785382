"""Disputes: what a cardholder's bank doubts is followed to its end, and posted as it moves.

While one is open nothing is asked of its patient. Lost, what the payment paid is owed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel, computed_field
from sqlalchemy import Row

from services.billing.gateways.disputes import Disputes
from services.billing.handlers.collecting import holds, steps
from services.billing.handlers.collecting.holds import HoldListed, HoldReason, OpenHold
from services.billing.handlers.disputes import unplaced
from services.billing.handlers.disputes.evidence import prepare
from services.billing.handlers.disputes.movements import note_movements
from services.billing.handlers.payments import refunds, waiting
from services.billing.handlers.superbills.issuing import reissue
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import Account, OfCharge, Reason
from services.billing.rules.charges.standing import Standing
from services.billing.rules.disputes import course as rules
from services.billing.rules.disputes.course import DisputeState
from services.billing.rules.packages.offers import PurchaseState
from services.billing.rules.superbills.document import CorrectionReason
from services.billing.store import charges, packages, unmatched
from services.billing.store import disputes as store
from services.billing.store import refunds as payments
from services.billing.store.disputes import LockedDispute
from services.billing.store.ledger import post_again, reverse_all, standing_cents
from services.billing.store.refunds import LockedPayment
from services.billing.work import DisputeStands, LookAtDispute, LookAtPayment, WatchDisputes
from shared.events.billing import DisputeClosed, DisputeUnanswered, PaymentDisputed
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

BY_BILLING = "billing"
"""Who opens and ends the hold of a dispute."""


class DisputeListed(BaseModel):
    """A payment that a bank doubts. `reason` is the card network's, as Stripe words it.

    Without `payment_id` it is of money at Stripe that is not in the books.
    """

    dispute_id: UUID
    payment_id: UUID | None
    payment_intent_id: str
    patient_id: UUID | None
    charge_id: UUID | None
    amount_cents: int
    charged_back_cents: int
    reason: str
    state: DisputeState
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    is_urgent: bool

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What it means, and what to do about it."""
        is_placed = self.payment_id is not None
        return rules.what_to_do(self.state, self.amount_cents, is_placed=is_placed)


async def look_at_dispute(work: LookAtDispute, disputes: Disputes) -> DisputeStands:
    """Ask Stripe how a dispute stands. A webhook only says that it is worth asking."""
    return await disputes.dispute(work.stripe_dispute_id)


async def record_dispute(stands: DisputeStands, tx: Transaction) -> None:
    """Whoever brings the news first is believed; what was seen of a later state stays."""
    payment_id = await store.payment_of(tx, stands.payment_intent_id)
    paid = None if payment_id is None else await payments.lock_payment(tx, payment_id)
    if payment_id is None or paid is None:
        await unplaced.follow(stands, tx)
        return
    is_new = await store.keep(tx, payment_id, paid, stands)
    kept = await store.lock(tx, stands.stripe_dispute_id)
    assert kept is not None, "it was kept just now, or before"
    if await store.is_old_news(tx, kept.dispute_id, stands):
        return
    moves_on = is_new or rules.moves_on(kept.state, stands.state)
    await note_movements(kept.dispute_id, paid, stands, tx)
    known = None if is_new else kept
    if not kept.is_placed:
        stands = await unplaced.place(kept, payment_id, paid, stands, tx)
        known = None
    elif not moves_on:
        if kept.state is not DisputeState.LOST or await _taken_cents(kept.dispute_id, tx) <= 0:
            return
        stands = stands.model_copy(update={"state": DisputeState.LOST})
    told = Told(kept.dispute_id, payment_id, paid, stands)
    if stands.state in rules.CLOSED:
        await _close(told, known, tx)
    else:
        await _follow(told, known, tx)


@dataclass(frozen=True, slots=True)
class Told:
    """News of a dispute, and of which payment it is."""

    dispute_id: UUID
    payment_id: UUID
    paid: LockedPayment
    stands: DisputeStands


async def _follow(told: Told, known: LockedDispute | None, tx: Transaction) -> None:
    """An open dispute: nothing is asked of its patient. Said once, and once as a chargeback."""
    patient_id, state = told.paid.patient_id, told.stands.state
    hold_id = None if known is None or known.state in rules.CLOSED else known.hold_id
    if hold_id is None:
        wish = OpenHold(patient_id=patient_id, reason=HoldReason.DISPUTE)
        hold = await holds.open_hold(wish, BY_BILLING, tx)
        assert isinstance(hold, HoldListed), "a hold of all that a patient owes is never refused"
        hold_id = hold.hold_id
    await store.set_state(tx, told.dispute_id, told.stands, hold_id=hold_id)
    is_chargeback = state in rules.CHARGEBACKS
    if known is not None and (known.state in rules.CHARGEBACKS or not is_chargeback):
        return
    if told.paid.charge_id is not None:
        prepare(told.dispute_id, tx)
    log.warning("payment_disputed")
    tx.publish(
        PaymentDisputed(
            patient_id=patient_id,
            dispute_id=told.dispute_id,
            payment_id=told.payment_id,
            charge_id=told.paid.charge_id,
            stage="chargeback" if is_chargeback else "inquiry",
            amount_cents=told.stands.amount_cents,
            due_at=told.stands.due_at,
            noticed_at=tx.now,
        )
    )


async def _close(told: Told, known: LockedDispute | None, tx: Transaction) -> None:
    """The bank has decided: collecting goes on, and what it keeps is owed again."""
    paid, state = told.paid, told.stands.state
    if state is DisputeState.LOST:
        lost = await _lose(told, known, tx)
    elif known is not None and known.state is DisputeState.LOST:
        lost = await _win_back(told, known, tx)
    else:
        lost = Lost(0, 0, paid.standing)
    hold_id = known.hold_id if known else None
    await store.set_state(
        tx,
        told.dispute_id,
        told.stands,
        hold_id=hold_id,
        charged_back_cents=lost.charged_back_cents,
        closed_at=tx.now,
    )
    if hold_id is not None:
        await holds.end_hold(hold_id, BY_BILLING, tx)
    tx.publish(
        DisputeClosed(
            patient_id=paid.patient_id,
            dispute_id=told.dispute_id,
            payment_id=told.payment_id,
            charge_id=paid.charge_id,
            outcome=state.value,
            amount_cents=told.stands.amount_cents,
            charged_back_cents=lost.told_cents,
            owed_cents=lost.standing.owed_cents if lost.standing else 0,
            closed_at=tx.now,
        )
    )


@dataclass(frozen=True, slots=True)
class Lost:
    """What a decision took, and how the charge stands after it.

    `charged_back_cents` is what of the payment its charge has no more, and `told_cents` what this
    decision took of it; or, of one that is won after all, what the patient gets back.
    """

    charged_back_cents: int
    told_cents: int
    standing: Standing | None


async def _taken_cents(dispute_id: UUID, tx: Transaction) -> int:
    """What the bank has of a dispute and has not been counted as lost."""
    lost = await standing_cents(tx, Reason.DISPUTE_LOST, str(dispute_id))
    return await store.held_cents(tx, dispute_id) - lost.total()


async def _lose(told: Told, known: LockedDispute | None, tx: Transaction) -> Lost:
    """The bank keeps what it took. A charge is owed again; what paid none is the patient's.

    What waited to be given back is given back so. Nothing more is used of a package; what was used
    of it is the clinic's loss.
    """
    paid, standing, package = told.paid, told.paid.standing, told.paid.package
    waits_cents = paid.refundable.unapplied_cents
    left_cents = paid.refundable.left_cents if package is None else package.free_cents
    loss = rules.loss_of(
        await _taken_cents(told.dispute_id, tx),
        still_paid_cents=left_cents - waits_cents,
        waits_cents=waits_cents,
    )
    await post_again(
        tx,
        ledger.dispute_lost(
            paid.patient_id,
            paid.charge_id,
            told.dispute_id,
            loss,
            tx.now,
            paid_ahead=package is not None,
        ),
    )
    cents, waited_cents = loss.owed_again_cents, loss.waited_cents
    await store.charge_back(tx, told.payment_id, cents + waited_cents, waited_cents=waited_cents)
    before_cents = known.charged_back_cents if known else 0
    if package is not None:
        await packages.set_state(tx, package.purchase_id, PurchaseState.CHARGED_BACK)
        return Lost(before_cents + cents, cents, None)
    if paid.charge_id is None or standing is None:
        await payments.take_off_the_list(tx, told.payment_id)
        return Lost(before_cents + cents, cents, None)
    if waited_cents == waits_cents > 0:
        await payments.take_off_the_list(tx, told.payment_id)
    standing = standing.with_paid(-cents)
    await charges.set_standing(tx, paid.charge_id, standing)
    reissue(paid.charge_id, CorrectionReason.REFUND, tx)
    await waiting.pays(paid.charge_id, tx)
    return Lost(before_cents + cents, cents, standing)


async def _win_back(told: Told, known: LockedDispute, tx: Transaction) -> Lost:
    """The bank gives back what it had for good: what it paid is paid by it again.

    A refund that failed meanwhile is a failed refund. What waited before waits again, and so does
    what the charge does not need any more: it is the patient's.
    """
    paid, dispute_id = told.paid, str(told.dispute_id)
    lost = await standing_cents(tx, Reason.DISPUTE_LOST, dispute_id)
    await reverse_all(tx, Reason.DISPUTE_LOST, dispute_id)
    of_refunds_cents = await refunds.owe_again(told.payment_id, tx)
    cents = lost.total() - lost[Account.BAD_DEBT]
    await store.charge_back(tx, told.payment_id, -cents)
    if paid.package is not None:
        await packages.set_state(tx, paid.package.purchase_id, PurchaseState.PAID)
        return Lost(0, 0, None)
    if paid.charge_id is None:
        await unmatched.wait_again(tx, told.payment_id, cents)
        look = LookAtPayment(payment_intent_id=paid.reference)
        tx.do(look, key=f"look:{paid.reference}")
        return Lost(0, 0, None)
    charge = await charges.lock_charge(tx, paid.charge_id)
    assert charge is not None, "it is locked with its payment"
    waits_cents = lost[Account.UNMATCHED_MONEY]
    needed_cents = min(cents - waits_cents, charge.owed.standing.owed_cents)
    over_cents = cents - waits_cents - needed_cents
    if over_cents > 0:
        of = OfCharge(paid.patient_id, paid.charge_id)
        await post_again(tx, ledger.unapplied(of, told.dispute_id, over_cents, tx.now))
    if waits_cents + over_cents > 0:
        await unmatched.wait_again(tx, told.payment_id, waits_cents + over_cents)
        log.warning("payment_unmatched")
    standing = charge.owed.standing.with_paid(needed_cents)
    if needed_cents:
        await charges.set_standing(tx, paid.charge_id, standing)
        await steps.owes_less(paid.charge_id, standing, tx)
    reissue(paid.charge_id, CorrectionReason.PAYMENT, tx)
    not_of_charge_cents = (
        known.charged_back_cents - of_refunds_cents - lost[Account.PATIENT_RECEIVABLE] + over_cents
    )
    return Lost(not_of_charge_cents, waits_cents + over_cents, standing)


async def watch_disputes(_: WatchDisputes, tx: Transaction) -> None:
    """Every morning each open dispute is looked at, and what nobody answered yet is warned of."""
    for one in await store.open_ones(tx):
        look = LookAtDispute(stripe_dispute_id=one.stripe_dispute_id)
        tx.do(look, key=f"look:{one.stripe_dispute_id}")
        if rules.is_urgent(DisputeState(one.state), one.due_at, tx.now):
            log.warning("dispute_unanswered")
            if one.patient_id is None:
                unplaced.tell(one.dispute_id, "unanswered", one.amount_cents, one.due_at, tx)
                continue
            tx.publish(
                DisputeUnanswered(
                    patient_id=one.patient_id,
                    dispute_id=one.dispute_id,
                    due_at=one.due_at,
                    noticed_at=tx.now,
                )
            )


async def list_open(asked: Paging, tx: Transaction) -> Page[DisputeListed] | Refused:
    """Disputes that the bank has not decided, the oldest first."""
    return await _listed(asked, tx, closed=False)


async def list_closed(asked: Paging, tx: Transaction) -> Page[DisputeListed] | Refused:
    """Disputes that came to an end, the oldest first."""
    return await _listed(asked, tx, closed=True)


async def _listed(asked: Paging, tx: Transaction, *, closed: bool) -> Page[DisputeListed] | Refused:
    return await page(
        tx,
        store.listed(closed=closed),
        by=store.BY_OPENING,
        asked=asked,
        item=lambda row: _shown(row, tx),
    )


async def show_dispute(dispute_id: UUID, tx: Transaction) -> DisputeListed | Refused:
    found = await store.find(tx, dispute_id)
    return Refused.not_found("dispute") if found is None else _shown(found, tx)


def _shown(row: Row[Any], tx: Transaction) -> DisputeListed:
    kept = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    kept["is_urgent"] = rules.is_urgent(DisputeState(row.state), row.due_at, tx.now)
    return DisputeListed.model_validate(kept)
