"""What the clinic gives up of a charge: discounts and write-offs, each with its reason."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.handlers.collecting import steps
from services.billing.handlers.superbills import issuing
from services.billing.rules.approvals import ADJUSTING
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.charges import attempts as rules
from services.billing.rules.charges.standing import ChargeState
from services.billing.store import charges
from services.billing.store.ledger import post
from services.billing.tables import ChargeAdjustment
from shared.events.billing import (
    AdjustmentKind,
    AdjustmentReason,
    ChargeAdjusted,
    PositiveCents,
)
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

_POSTING = {
    AdjustmentKind.DISCOUNT: ledger.discounted,
    AdjustmentKind.WRITE_OFF: ledger.written_off,
}


class AdjustCharge(BaseModel):
    """Give up all or a part of what is owed on a charge."""

    kind: AdjustmentKind
    reason: AdjustmentReason
    amount_cents: PositiveCents


class Adjusted(AdjustCharge):
    adjustment_id: UUID
    charge_id: UUID
    patient_id: UUID
    owed_cents: int
    state: ChargeState
    recorded_at: datetime


async def adjust_charge(
    charge_id: UUID, wish: AdjustCharge, by: str, tx: Transaction, *, seen: bool = False
) -> Adjusted | ApprovalAsked | Refused:
    """Take it off what is owed. No more can be given up than that.

    Above a limit it waits for a second person; `seen` says that one has looked at it.
    """
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    if broken := rules.broken_by_adjustment(charge.owed, wish.amount_cents):
        return Refused.by_rules(broken)
    if not seen and (
        asked := await hold(
            tx,
            ADJUSTING[wish.kind],
            wish,
            subject_id=charge_id,
            patient_id=charge.patient_id,
            amount_cents=wish.amount_cents,
            by=by,
        )
    ):
        return asked
    adjustment_id, of = new_id(), OfCharge(charge.patient_id, charge_id)
    tx.insert(
        ChargeAdjustment,
        adjustment_id=adjustment_id,
        charge_id=charge_id,
        kind=wish.kind.value,
        reason=wish.reason.value,
        amount_cents=wish.amount_cents,
        recorded_by=by,
        recorded_at=tx.now,
    )
    post(tx, _POSTING[wish.kind](of, adjustment_id, wish.amount_cents, tx.now))
    standing = charge.owed.standing.with_forgiven(wish.amount_cents)
    state = await charges.set_standing(tx, charge_id, standing)
    await steps.owes_less(charge_id, standing, tx)
    tx.publish(
        ChargeAdjusted(
            patient_id=charge.patient_id,
            adjustment_id=adjustment_id,
            charge_id=charge_id,
            kind=wish.kind,
            reason=wish.reason,
            amount_cents=wish.amount_cents,
            owed_cents=standing.owed_cents,
            adjusted_at=tx.now,
        )
    )
    if state is ChargeState.PAID:
        issuing.ask(charge_id, tx)
    return Adjusted(
        adjustment_id=adjustment_id,
        charge_id=charge_id,
        patient_id=charge.patient_id,
        owed_cents=standing.owed_cents,
        state=state,
        recorded_at=tx.now,
        **wish.model_dump(),
    )
