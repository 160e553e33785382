"""Charges: what is owed on one, and how it was settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, TEXT, TIMESTAMP, aggregate_order_by
from sqlmodel import col

from services.billing.rules.charges.attempts import AttemptState, Owed, Trying
from services.billing.rules.charges.standing import ChargeState, Standing
from services.billing.tables import Charge, Payment, PaymentAttempt, Superbill, SuperbillDocument
from services.billing.work import capture_key, look_key
from shared.events.billing import ServiceKind, TenderKind
from shared.messaging import Transaction, parked_work

_LOCK_CHARGE = text("SELECT charge_id FROM charges WHERE charge_id = :charge_id FOR UPDATE")

_OWED = text(
    """
    SELECT c.patient_id, c.service, c.infusion_id, c.amount_cents, c.paid_cents, c.forgiven_cents,
           t.attempt_id AS trying_id, t.state AS trying_state,
           (SELECT k.card_id FROM cards AS k JOIN mandates AS m USING (setup_id)
             WHERE k.patient_id = c.patient_id AND k.gone_at IS NULL AND m.withdrawn_at IS NULL
             ORDER BY k.set_up_at DESC, k.setup_id DESC LIMIT 1) AS card_id,
           EXISTS (SELECT FROM cards AS n
                    WHERE n.patient_id = c.patient_id AND n.gone_at IS NULL) AS has_card,
           ARRAY(SELECT a.card_id FROM payment_attempts AS a
                  WHERE a.charge_id = c.charge_id AND a.card_id IS NOT NULL
                    AND a.reason = 'card_not_usable') AS unusable
      FROM charges AS c
      LEFT JOIN payment_attempts AS t ON t.charge_id = c.charge_id AND t.decided_at IS NULL
     WHERE c.charge_id = :charge_id
    """
)

_SET_CHARGE = text(
    """
    UPDATE charges
       SET paid_cents = :paid_cents, forgiven_cents = :forgiven_cents, state = :state,
           tender = coalesce(:tender, tender),
           paid_at = CASE WHEN :is_paid THEN coalesce(paid_at, :at) END
     WHERE charge_id = :charge_id
    """
).bindparams(bindparam("tender", type_=TEXT), bindparam("at", type_=TIMESTAMP(timezone=True)))


@dataclass(frozen=True, slots=True)
class LockedCharge:
    """A charge as somebody wants to pay it; its row is ours until the commit."""

    patient_id: UUID
    service: ServiceKind
    infusion_id: UUID
    owed: Owed


async def lock(tx: Transaction, charge_id: UUID) -> bool:
    """Have a charge's row until the commit. False when there is no such charge."""
    return (await tx.execute(_LOCK_CHARGE, {"charge_id": charge_id})).one_or_none() is not None


async def lock_charge(tx: Transaction, charge_id: UUID) -> LockedCharge | None:
    """Lock first, then look: what is seen is what was committed by whoever held it before."""
    if not await lock(tx, charge_id):
        return None
    row = (await tx.execute(_OWED, {"charge_id": charge_id})).one()
    return LockedCharge(
        row.patient_id,
        ServiceKind(row.service),
        row.infusion_id,
        Owed(
            standing=Standing(row.amount_cents, row.paid_cents, row.forgiven_cents),
            trying=row.trying_id and await _trying(tx, row.trying_id, row.trying_state),
            card_id=row.card_id,
            has_card=row.has_card,
            unusable_card_ids=frozenset(row.unusable),
        ),
    )


async def _trying(tx: Transaction, attempt_id: UUID, state: str) -> Trying:
    parked = await parked_work.under(tx, capture_key(attempt_id), look_key(attempt_id))
    return Trying(AttemptState(state), parked[0].work_id if parked else None)


async def set_standing(
    tx: Transaction,
    charge_id: UUID,
    standing: Standing,
    *,
    declined: bool = False,
    tender: TenderKind | None = None,
) -> ChargeState:
    """A charge's new sums and the state that follows; its tender stays where none is given."""
    state = standing.state(declined=declined)
    await tx.execute(
        _SET_CHARGE,
        {
            "charge_id": charge_id,
            "paid_cents": standing.paid_cents,
            "forgiven_cents": standing.forgiven_cents,
            "state": state.value,
            "tender": tender and tender.value,
            "is_paid": state is ChargeState.PAID,
            "at": tx.now,
        },
    )
    return state


_CHARGES: Table = Charge.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_POSTING = (_CHARGES.c.posted_at, _CHARGES.c.charge_id)

_ATTEMPT = func.jsonb_build_object(
    "attempt_id", col(PaymentAttempt.attempt_id),
    "state", col(PaymentAttempt.state),
    "reason", col(PaymentAttempt.reason),
    "amount_cents", col(PaymentAttempt.amount_cents),
)  # fmt: skip

_ATTEMPTS = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(_ATTEMPT, col(PaymentAttempt.attempt_id).asc())),
            func.jsonb_build_array(),
            type_=JSONB,
        )
    )
    .where(col(PaymentAttempt.charge_id) == col(Charge.charge_id))
    .scalar_subquery()
)

_PAYMENT = func.jsonb_build_object(
    "payment_id", col(Payment.payment_id),
    "tender", col(Payment.tender),
    "reference", col(Payment.reference),
    "amount_cents", col(Payment.amount_cents),
    "refunded_cents", col(Payment.refunded_cents),
    "taken_at", col(Payment.taken_at),
    "rejected_at", col(Payment.rejected_at),
)  # fmt: skip

_PAYMENTS = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(_PAYMENT, col(Payment.payment_id).asc())),
            func.jsonb_build_array(),
            type_=JSONB,
        )
    )
    .where(col(Payment.charge_id) == col(Charge.charge_id))
    .scalar_subquery()
)

_SUPERBILL = (
    select(col(Superbill.superbill_id))
    .join(SuperbillDocument)
    .where(col(Superbill.charge_id) == col(Charge.charge_id))
    .order_by(col(Superbill.version).desc())
    .limit(1)
    .scalar_subquery()
)


def charges_of(patient_id: UUID) -> Select[Any]:
    """A patient's charges, each with its tries, its payments and its newest superbill."""
    owed_cents = _CHARGES.c.amount_cents - _CHARGES.c.paid_cents - _CHARGES.c.forgiven_cents
    return select(
        *_CHARGES.c,
        owed_cents.label("owed_cents"),
        _ATTEMPTS.label("attempts"),
        _PAYMENTS.label("payments"),
        _SUPERBILL.label("superbill_id"),
    ).where(_CHARGES.c.patient_id == patient_id)
