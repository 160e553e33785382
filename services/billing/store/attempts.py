"""Tries at a card: what Stripe is asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.billing.gateways.payments import Order
from services.billing.rules.charges.attempts import AttemptState, key_may_be_forgotten
from services.billing.rules.charges.standing import Standing
from services.billing.rules.collecting.declines import AbandonReason, DeclineCodes
from services.billing.work import CapturePayment, LookAtPayment, LookForPayment
from shared.events.billing import DeclineReason, ServiceKind
from shared.messaging import Transaction

_ORDER = text(
    """
    SELECT a.created_at, a.amount_cents, u.stripe_customer_id, k.stripe_payment_method_id,
           EXISTS (SELECT FROM mandates AS m
                    WHERE m.setup_id = k.setup_id AND m.withdrawn_at IS NULL) AS is_agreed,
           EXISTS (SELECT FROM collections_holds AS h
                    WHERE h.patient_id = k.patient_id AND h.ended_at IS NULL
                      AND (h.charge_id IS NULL OR h.charge_id = a.charge_id)) AS is_held
      FROM payment_attempts AS a
      JOIN cards AS k USING (card_id)
      JOIN customers AS u ON u.patient_id = k.patient_id
     WHERE a.attempt_id = :attempt_id AND a.state = :state
       AND (a.decided_at IS NULL OR a.reason = 'withdrawn')
    """
)

_IS_TAKEN = text(
    """
    SELECT EXISTS (SELECT FROM payment_attempts
                    WHERE stripe_payment_intent_id = :intent AND state = 'captured')
    """
)

_LOCK_CHARGE = text(
    """
    SELECT FROM charges AS c JOIN payment_attempts AS a USING (charge_id)
     WHERE a.attempt_id = :attempt_id
       FOR UPDATE OF c
    """
)

_ATTEMPT = text(
    """
    SELECT a.state, a.decided_at IS NOT NULL AS decided, a.charge_id,
           c.patient_id, c.service, c.infusion_id, a.amount_cents, c.amount_cents AS costs_cents,
           c.paid_cents, c.forgiven_cents,
           a.stripe_payment_intent_id,
           c.amount_cents - c.paid_cents - c.forgiven_cents < a.amount_cents OR EXISTS (
               SELECT FROM payment_attempts AS o
                WHERE o.charge_id = a.charge_id AND o.attempt_id <> a.attempt_id
                  AND o.decided_at IS NULL) AS settled
      FROM charges AS c JOIN payment_attempts AS a USING (charge_id)
     WHERE a.attempt_id = :attempt_id
    """
)

_ABANDON = text(
    "UPDATE payment_attempts SET state = 'abandoned', reason = 'discarded'"
    " WHERE attempt_id = :attempt_id"
)

_WITHDRAW = text(
    """
    UPDATE payment_attempts SET state = 'abandoned', reason = 'withdrawn', decided_at = :at
     WHERE charge_id = :charge_id AND decided_at IS NULL AND state IN ('pending', 'abandoned')
    RETURNING attempt_id
    """
)

_END_ATTEMPT = text(
    """
    UPDATE payment_attempts
       SET state = :state, reason = :reason, stripe_payment_intent_id = :payment_intent_id,
           decided_at = :at, decline_code = :decline_code, advice_code = :advice_code,
           network_decline_code = :network_decline_code, network_advice_code = :network_advice_code
     WHERE attempt_id = :attempt_id
    """
)


NO_CODES = DeclineCodes()


async def load_order(tx: Transaction, work: CapturePayment) -> Order | None:
    """What Stripe is asked for; `None` once the attempt's outcome is known, or it was given up."""
    return await _order(tx, work.attempt_id, AttemptState.PENDING)


async def load_open(tx: Transaction, work: LookAtPayment) -> LookAtPayment | None:
    """What Stripe is asked about; `None` where the money is on its charge already.

    A payment that succeeded stays so (docs.stripe.com/payments/paymentintents/lifecycle), and
    most of what Stripe tells is about a payment whose answer we had.
    """
    found = await tx.execute(_IS_TAKEN, {"intent": work.payment_intent_id})
    return None if found.scalar_one() else work


async def load_lost(tx: Transaction, work: LookForPayment) -> Order | None:
    """What Stripe was or was not asked for; `None` once that is known.

    Of one that was withdrawn it is asked as well, for the money has to go back.
    """
    return await _order(tx, work.attempt_id, AttemptState.ABANDONED)


async def _order(tx: Transaction, attempt_id: UUID, state: AttemptState) -> Order | None:
    undecided = {"attempt_id": attempt_id, "state": state.value}
    row = (await tx.execute(_ORDER, undecided)).one_or_none()
    if row is None:
        return None
    return Order(
        attempt_id=attempt_id,
        amount_cents=row.amount_cents,
        customer_id=row.stripe_customer_id,
        payment_method_id=row.stripe_payment_method_id,
        created_at=row.created_at,
        is_agreed=row.is_agreed,
        is_held=row.is_held,
        look_first=key_may_be_forgotten(row.created_at, tx.now),
    )


@dataclass(frozen=True, slots=True)
class LockedAttempt:
    """An attempt of a charge whose row is ours until the commit.

    `settled` says that the charge does not wait for its money any more.
    """

    state: AttemptState
    decided: bool
    settled: bool
    charge_id: UUID
    patient_id: UUID
    service: ServiceKind
    infusion_id: UUID
    amount_cents: int
    standing: Standing
    payment_intent_id: str | None


async def lock_attempt(tx: Transaction, attempt_id: UUID) -> LockedAttempt | None:
    """Lock first, then look: who changes an attempt locks its charge."""
    await tx.execute(_LOCK_CHARGE, {"attempt_id": attempt_id})
    row = (await tx.execute(_ATTEMPT, {"attempt_id": attempt_id})).one_or_none()
    if row is None:
        return None
    return LockedAttempt(
        state=AttemptState(row.state),
        decided=row.decided,
        settled=row.settled,
        charge_id=row.charge_id,
        patient_id=row.patient_id,
        service=ServiceKind(row.service),
        infusion_id=row.infusion_id,
        amount_cents=row.amount_cents,
        standing=Standing(row.costs_cents, row.paid_cents, row.forgiven_cents),
        payment_intent_id=row.stripe_payment_intent_id,
    )


async def end_attempt(
    tx: Transaction,
    attempt_id: UUID,
    state: AttemptState,
    *,
    payment_intent_id: str | None = None,
    reason: DeclineReason | AbandonReason | None = None,
    codes: DeclineCodes = NO_CODES,
) -> None:
    """Write what came of an attempt."""
    await tx.execute(
        _END_ATTEMPT,
        {
            "attempt_id": attempt_id,
            "state": state.value,
            "reason": reason and reason.value,
            "payment_intent_id": payment_intent_id,
            "at": tx.now,
            "decline_code": codes.decline_code or codes.code,
            "advice_code": codes.advice_code,
            "network_decline_code": codes.network_decline_code,
            "network_advice_code": codes.network_advice_code,
        },
    )


async def abandon(tx: Transaction, attempt_id: UUID) -> None:
    """Give an attempt up; what came of it is not known yet."""
    await tx.execute(_ABANDON, {"attempt_id": attempt_id})


async def withdraw(tx: Transaction, charge_id: UUID) -> UUID | None:
    """End the try of a charge whose outcome is not known; `None` where there is none."""
    found = await tx.execute(_WITHDRAW, {"charge_id": charge_id, "at": tx.now})
    attempt_id: UUID | None = found.scalar()
    return attempt_id
