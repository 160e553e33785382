"""A second person decides: what was asked for is entered now, by the rules of now, or never."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.billing.handlers.books import breaks
from services.billing.handlers.books.breaks import SettleBreak
from services.billing.handlers.charges import adjustments, held
from services.billing.handlers.charges.adjustments import AdjustCharge
from services.billing.handlers.charges.held import DecideHeld
from services.billing.handlers.disputes import evidence
from services.billing.handlers.disputes.evidence import AnswerDispute
from services.billing.handlers.packages import buying
from services.billing.handlers.packages.buying import BuyPackage
from services.billing.handlers.payments import outside, refunds
from services.billing.handlers.payments.outside import RecordOutsidePayment
from services.billing.handlers.payments.refunds import AskRefund
from services.billing.rules import approvals as rules
from services.billing.rules.approvals import ApprovalState, Entry
from services.billing.store import approvals as store
from shared.http.problems import Refused
from shared.messaging import Transaction


class ApprovalDecided(BaseModel):
    approval_id: UUID
    entry: Entry
    subject_id: UUID
    patient_id: UUID | None
    state: ApprovalState
    decided_by: str


async def approve(approval_id: UUID, by: str, tx: Transaction) -> ApprovalDecided | Refused:
    """Enter what another person asked for. What it would break by now is refused as ever."""
    found = await store.lock(tx, approval_id)
    if found is None:
        return Refused.not_found("approval")
    state = ApprovalState(found.state)
    if broken := rules.broken_by_approving(state, asked_by=found.asked_by, by=by):
        return Refused.by_rules(broken)
    entered = await _enter(Entry(found.entry), found, tx)
    if isinstance(entered, Refused):
        return entered
    return await _decide(approval_id, found, ApprovalState.APPROVED, by, tx)


async def refuse(approval_id: UUID, by: str, tx: Transaction) -> ApprovalDecided | Refused:
    """Have it not entered. Who asked may do that too."""
    found = await store.lock(tx, approval_id)
    if found is None:
        return Refused.not_found("approval")
    if broken := rules.broken_by_refusing(ApprovalState(found.state)):
        return Refused.by_rules(broken)
    return await _decide(approval_id, found, ApprovalState.REFUSED, by, tx)


async def _enter(entry: Entry, found: Any, tx: Transaction) -> BaseModel:
    of, by = found.subject_id, found.asked_by
    entered: BaseModel
    match entry:
        case Entry.OUTSIDE_PAYMENT:
            payment = RecordOutsidePayment.model_validate(found.wish)
            entered = await outside.record_outside_payment(of, payment, by, tx, seen=True)
        case Entry.REFUND:
            back = AskRefund.model_validate(found.wish)
            entered = await refunds.ask_refund(of, back, by, tx, seen=True)
        case Entry.DISCOUNT | Entry.WRITE_OFF:
            adjustment = AdjustCharge.model_validate(found.wish)
            entered = await adjustments.adjust_charge(of, adjustment, by, tx, seen=True)
        case Entry.DISPUTE_ANSWER:
            answer = AnswerDispute.model_validate(found.wish)
            entered = await evidence.answer_dispute(of, answer, by, tx, seen=True)
        case Entry.PACKAGE_PAYMENT:
            bought = BuyPackage.model_validate(found.wish)
            entered = await buying.buy_package(found.patient_id, bought, by, tx, seen=True)
        case Entry.WRITE_DOWN:
            decision = DecideHeld.model_validate(found.wish)
            entered = await held.decide_held(of, decision, by, tx, seen=True)
        case Entry.SUSPENSE:
            settled = SettleBreak.model_validate(found.wish)
            entered = await breaks.settle_break(of, settled, by, tx, seen=True)
    return entered


async def _decide(
    approval_id: UUID, found: Any, state: ApprovalState, by: str, tx: Transaction
) -> ApprovalDecided:
    await store.decide(tx, approval_id, state, by)
    return ApprovalDecided(
        approval_id=approval_id,
        entry=Entry(found.entry),
        subject_id=found.subject_id,
        patient_id=found.patient_id,
        state=state,
        decided_by=by,
    )
