"""Fees, tenders, charges, attempts, outside payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.gateways.payments import Order
from services.billing.rules.payments import (
    AttemptState,
    ChargeState,
    Owed,
    key_may_be_forgotten,
)
from services.billing.rules.pricing import OnFile
from services.billing.work import CapturePayment
from shared.events.billing import DeclineReason, TenderKind
from shared.events.scheduling import InfusionCompleted
from shared.messaging import Transaction

_ON_FILE = text(
    """
    SELECT c.charge_id IS NOT NULL AS charged, f.fee_id, f.amount_cents, t.tender, k.card_id
      FROM unnest(:infusions, :appointments, :patients, :visit_types, :starts)
           WITH ORDINALITY AS i (infusion_id, appointment_id, patient_id, visit_type, started_at, n)
      LEFT JOIN charges AS c ON c.infusion_id = i.infusion_id
      LEFT JOIN tenders AS t
             ON t.appointment_id = i.appointment_id AND t.patient_id = i.patient_id
      LEFT JOIN LATERAL (SELECT fee_id, amount_cents FROM fees
                          WHERE visit_type = i.visit_type AND starts_at <= i.started_at
                          ORDER BY starts_at DESC LIMIT 1) AS f ON true
      LEFT JOIN LATERAL (SELECT card_id FROM cards WHERE patient_id = i.patient_id
                          ORDER BY saved_at DESC, card_id DESC LIMIT 1) AS k ON true
     ORDER BY i.n
    """
).bindparams(
    bindparam("infusions", type_=ARRAY(PG_UUID)),
    bindparam("appointments", type_=ARRAY(PG_UUID)),
    bindparam("patients", type_=ARRAY(PG_UUID)),
    bindparam("visit_types", type_=ARRAY(TEXT)),
    bindparam("starts", type_=ARRAY(TIMESTAMP(timezone=True))),
)

_FEE_OF_DAY = text(
    "SELECT amount_cents FROM fees"
    " WHERE visit_type = :visit_type AND effective_from = :effective_from"
)

_CHOOSE_TENDER = text(
    """
    INSERT INTO tenders (appointment_id, patient_id, tender, chosen_at)
    VALUES (:appointment_id, :patient_id, :tender, :at)
    ON CONFLICT (appointment_id)
    DO UPDATE SET tender = excluded.tender, chosen_at = excluded.chosen_at
     WHERE tenders.patient_id = excluded.patient_id
    """
)

_CHARGED_VISIT = text("SELECT EXISTS (SELECT FROM charges WHERE appointment_id = :appointment_id)")

_TO_CAPTURE = text(
    """
    SELECT a.created_at, c.amount_cents, u.stripe_customer_id, k.stripe_payment_method_id
      FROM payment_attempts AS a
      JOIN charges AS c USING (charge_id)
      JOIN cards AS k USING (card_id)
      JOIN customers AS u ON u.patient_id = k.patient_id
     WHERE a.attempt_id = :attempt_id AND a.state = 'pending'
    """
)

_LOCK_ATTEMPT = text(
    """
    SELECT a.state, a.charge_id, c.patient_id, c.infusion_id, c.amount_cents
      FROM charges AS c JOIN payment_attempts AS a USING (charge_id)
     WHERE a.attempt_id = :attempt_id
       FOR UPDATE OF c, a
    """
)

_END_ATTEMPT = text(
    """
    UPDATE payment_attempts
       SET state = :state, reason = :reason, stripe_payment_intent_id = :payment_intent_id,
           decided_at = :at
     WHERE attempt_id = :attempt_id
    """
)

_LOCK_CHARGE = text("SELECT charge_id FROM charges WHERE charge_id = :charge_id FOR UPDATE")

_OWED = text(
    """
    SELECT c.patient_id, c.infusion_id, c.state, c.amount_cents,
           EXISTS (SELECT FROM payment_attempts AS a
                    WHERE a.charge_id = c.charge_id AND a.state = 'pending') AS under_way,
           (SELECT card_id FROM cards AS k WHERE k.patient_id = c.patient_id
             ORDER BY saved_at DESC, card_id DESC LIMIT 1) AS card_id,
           ARRAY(SELECT a.card_id FROM payment_attempts AS a
                  WHERE a.charge_id = c.charge_id AND a.card_id IS NOT NULL
                    AND a.reason = 'card_not_usable') AS unusable
      FROM charges AS c WHERE c.charge_id = :charge_id
    """
)

_SET_CHARGE = text(
    """
    UPDATE charges SET state = :state, tender = coalesce(:tender, tender), paid_at = :paid_at
     WHERE charge_id = :charge_id
    """
).bindparams(bindparam("tender", type_=TEXT))

_REFERENCE_USED = text(
    "SELECT EXISTS (SELECT FROM outside_payments WHERE tender = :tender AND reference = :reference)"
)


async def load_on_file(tx: Transaction, completed: Sequence[InfusionCompleted]) -> list[OnFile]:
    """What pricing needs of each infusion, in one statement for the whole batch."""
    rows = await tx.execute(
        _ON_FILE,
        {
            "infusions": [event.infusion_id for event in completed],
            "appointments": [event.appointment_id for event in completed],
            "patients": [event.patient_id for event in completed],
            "visit_types": [event.visit_type.value for event in completed],
            "starts": [event.started_at for event in completed],
        },
    )
    return [
        OnFile(
            already_charged=row.charged,
            fee_id=row.fee_id,
            amount_cents=row.amount_cents,
            tender=row.tender and TenderKind(row.tender),
            card_id=row.card_id,
        )
        for row in rows
    ]


async def find_fee(tx: Transaction, *, visit_type: str, effective_from: object) -> int | None:
    """The cents of the fee that starts on a day, if one does."""
    found = await tx.execute(
        _FEE_OF_DAY, {"visit_type": visit_type, "effective_from": effective_from}
    )
    cents: int | None = found.scalar()
    return cents


async def choose_tender(
    tx: Transaction, *, appointment_id: UUID, patient_id: UUID, tender: TenderKind
) -> bool:
    """Note how a visit will be paid. False when another patient's choice stands there."""
    done = await tx.execute(
        _CHOOSE_TENDER,
        {
            "appointment_id": appointment_id,
            "patient_id": patient_id,
            "tender": tender.value,
            "at": tx.now,
        },
    )
    return done.rowcount == 1


async def visit_is_charged(tx: Transaction, appointment_id: UUID) -> bool:
    found = await tx.execute(_CHARGED_VISIT, {"appointment_id": appointment_id})
    return bool(found.scalar_one())


async def load_order(tx: Transaction, work: CapturePayment) -> Order | None:
    """What Stripe is asked for; `None` once the attempt's outcome is known."""
    row = (await tx.execute(_TO_CAPTURE, {"attempt_id": work.attempt_id})).one_or_none()
    if row is None:
        return None
    return Order(
        attempt_id=work.attempt_id,
        amount_cents=row.amount_cents,
        customer_id=row.stripe_customer_id,
        payment_method_id=row.stripe_payment_method_id,
        created_at=row.created_at,
        look_first=key_may_be_forgotten(row.created_at, tx.now),
    )


@dataclass(frozen=True, slots=True)
class LockedAttempt:
    """An attempt and its charge; both rows are ours until the commit."""

    state: AttemptState
    charge_id: UUID
    patient_id: UUID
    infusion_id: UUID
    amount_cents: int


async def lock_attempt(tx: Transaction, attempt_id: UUID) -> LockedAttempt | None:
    row = (await tx.execute(_LOCK_ATTEMPT, {"attempt_id": attempt_id})).one_or_none()
    if row is None:
        return None
    return LockedAttempt(
        state=AttemptState(row.state),
        charge_id=row.charge_id,
        patient_id=row.patient_id,
        infusion_id=row.infusion_id,
        amount_cents=row.amount_cents,
    )


async def end_attempt(
    tx: Transaction,
    attempt_id: UUID,
    state: AttemptState,
    *,
    payment_intent_id: str | None,
    reason: DeclineReason | None = None,
) -> None:
    await tx.execute(
        _END_ATTEMPT,
        {
            "attempt_id": attempt_id,
            "state": state.value,
            "reason": reason and reason.value,
            "payment_intent_id": payment_intent_id,
            "at": tx.now,
        },
    )


@dataclass(frozen=True, slots=True)
class LockedCharge:
    """A charge as somebody wants to pay it; its row is ours until the commit."""

    patient_id: UUID
    infusion_id: UUID
    owed: Owed


async def lock_charge(tx: Transaction, charge_id: UUID) -> LockedCharge | None:
    """Lock first, then look: what is seen is what was committed by whoever held it before."""
    if (await tx.execute(_LOCK_CHARGE, {"charge_id": charge_id})).one_or_none() is None:
        return None
    row = (await tx.execute(_OWED, {"charge_id": charge_id})).one()
    return LockedCharge(
        row.patient_id,
        row.infusion_id,
        Owed(
            state=ChargeState(row.state),
            amount_cents=row.amount_cents,
            under_way=row.under_way,
            card_id=row.card_id,
            unusable_card_ids=frozenset(row.unusable),
        ),
    )


async def set_charge(
    tx: Transaction,
    charge_id: UUID,
    state: ChargeState,
    *,
    tender: TenderKind | None = None,
    paid_at: datetime | None = None,
) -> None:
    """A charge's new state; its tender stays where none is given."""
    await tx.execute(
        _SET_CHARGE,
        {
            "charge_id": charge_id,
            "state": state.value,
            "tender": tender and tender.value,
            "paid_at": paid_at,
        },
    )


async def reference_is_used(tx: Transaction, tender: TenderKind, reference: str) -> bool:
    found = await tx.execute(_REFERENCE_USED, {"tender": tender.value, "reference": reference})
    return bool(found.scalar_one())
