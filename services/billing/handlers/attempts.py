"""Tries at the card on file. Each is a row, committed before Stripe hears of it."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.billing.gateways.payments import Order, Payments
from services.billing.handlers import unmatched
from services.billing.rules import ledger
from services.billing.rules import payments as rules
from services.billing.rules.declines import AbandonReason
from services.billing.rules.ledger import OfCharge
from services.billing.rules.payments import AttemptState, ChargeState, Step
from services.billing.store import attempts as store
from services.billing.store import charges
from services.billing.store import unmatched as stored_unmatched
from services.billing.store.attempts import LockedAttempt
from services.billing.store.ledger import post
from services.billing.tables import PaymentAttempt
from services.billing.work import (
    Captured,
    CapturePayment,
    Declined,
    LookAtPayment,
    LookForPayment,
    NeverArrived,
    NothingToStore,
    RedeemInfusion,
    capture_key,
    look_key,
)
from shared.errors import Poison
from shared.events.billing import DeclineReason, PaymentCaptured, PaymentDeclined, TenderKind
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class AttemptStarted(BaseModel):
    attempt_id: UUID
    charge_id: UUID
    patient_id: UUID
    state: AttemptState


def start(tx: Transaction, *, charge_id: UUID, card_id: UUID) -> UUID:
    """Write the attempt and leave the call to be made. The id is Stripe's idempotency key."""
    attempt_id = new_id()
    tx.insert(
        PaymentAttempt,
        attempt_id=attempt_id,
        charge_id=charge_id,
        card_id=card_id,
        state=AttemptState.PENDING.value,
        created_at=tx.now,
    )
    tx.do(CapturePayment(attempt_id=attempt_id), key=capture_key(attempt_id))
    return attempt_id


def decline_for_want_of_card(tx: Transaction, *, charge_id: UUID, patient_id: UUID) -> None:
    """A try that ends before it begins: there is no card to charge."""
    attempt_id = new_id()
    tx.insert(
        PaymentAttempt,
        attempt_id=attempt_id,
        charge_id=charge_id,
        state=AttemptState.DECLINED.value,
        reason=DeclineReason.NO_CARD_ON_FILE.value,
        created_at=tx.now,
        decided_at=tx.now,
    )
    tx.publish(
        PaymentDeclined(
            patient_id=patient_id,
            attempt_id=attempt_id,
            charge_id=charge_id,
            reason=DeclineReason.NO_CARD_ON_FILE,
            declined_at=tx.now,
        )
    )


async def try_again(charge_id: UUID, tx: Transaction) -> AttemptStarted | Refused:
    """Start the next try, at the card that is on file now."""
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    if broken := rules.broken_by_try(charge.owed):
        return Refused.by_rules(broken)
    assert charge.owed.card_id is not None
    await charges.set_charge(tx, charge_id, ChargeState.OPEN, tender=TenderKind.CARD)
    return AttemptStarted(
        attempt_id=start(tx, charge_id=charge_id, card_id=charge.owed.card_id),
        charge_id=charge_id,
        patient_id=charge.patient_id,
        state=AttemptState.PENDING,
    )


async def capture_payment(order: Order, payments: Payments) -> Captured | Declined:
    """Charge the saved card. Safe to repeat: the key is the attempt's id, committed before."""
    return await payments.capture(order)


async def look_at_payment(
    work: LookAtPayment, payments: Payments
) -> Captured | Declined | NothingToStore:
    """Ask Stripe how a payment stands. A webhook only says that it is worth asking."""
    return await payments.payment(work.payment_intent_id)


async def abandon_attempt(work: CapturePayment, tx: Transaction) -> None:
    """A person gave the try up. What came of it is asked for before anything else is tried."""
    attempt = await store.lock_attempt(tx, work.attempt_id)
    if attempt is None or attempt.decided:
        return
    await store.abandon(tx, work.attempt_id)
    _look_for(work.attempt_id, tx)


async def look_on(work: LookForPayment, tx: Transaction) -> None:
    """Whether money was taken is not given up: it is asked for until it is known."""
    _look_for(work.attempt_id, tx)


def _look_for(attempt_id: UUID, tx: Transaction) -> None:
    tx.do(
        LookForPayment(attempt_id=attempt_id),
        due=tx.now + rules.SETTLES_WITHIN,
        key=look_key(attempt_id),
    )


async def look_for_payment(order: Order, payments: Payments) -> Captured | Declined | NeverArrived:
    """Ask Stripe what came of an attempt that was given up."""
    return await payments.find(order)


async def record_never_arrived(lost: NeverArrived, tx: Transaction) -> None:
    """Nothing was taken: the charge may be tried again."""
    attempt = await store.lock_attempt(tx, lost.attempt_id)
    if attempt is None or attempt.decided:
        return
    await store.end_attempt(
        tx, lost.attempt_id, AttemptState.ABANDONED, reason=AbandonReason.NOT_AT_STRIPE
    )
    await unmatched.look_again(attempt.charge_id, tx)


async def record_capture(captured: Captured, tx: Transaction) -> None:
    """The charge is paid. Whoever brings the news first, the call or the webhook, is believed.

    What no charge waits for is for a person to give back.
    """
    attempt = await store.lock_attempt(tx, captured.attempt_id)
    if attempt is None or await stored_unmatched.was_returned(tx, captured.payment_intent_id):
        return
    differs = captured.amount_cents != attempt.amount_cents
    match _step(attempt, AttemptState.CAPTURED):
        case Step.TAKE if not differs:
            await _settle(captured, attempt, tx)
        case Step.TAKE if not attempt.decided:
            raise Poison("captured_amount_differs")
        case Step.TAKE | Step.UNMATCHED:
            await unmatched.note(captured, attempt.patient_id, tx)
        case Step.CHANGES_NOTHING | Step.CONTRADICTS:
            pass


async def _settle(captured: Captured, attempt: LockedAttempt, tx: Transaction) -> None:
    of = OfCharge(attempt.patient_id, attempt.charge_id)
    if await stored_unmatched.match(tx, captured.payment_intent_id):
        applied = ledger.unmatched_applied(
            of, captured.payment_intent_id, attempt.amount_cents, tx.now
        )
        post(tx, applied)
    else:
        post(tx, ledger.card_captured(of, captured.attempt_id, attempt.amount_cents, tx.now))
    await store.end_attempt(
        tx,
        captured.attempt_id,
        AttemptState.CAPTURED,
        payment_intent_id=captured.payment_intent_id,
    )
    await charges.set_charge(tx, attempt.charge_id, ChargeState.PAID, paid_at=tx.now)
    tx.publish(
        PaymentCaptured(
            patient_id=attempt.patient_id,
            payment_id=captured.attempt_id,
            charge_id=attempt.charge_id,
            infusion_id=attempt.infusion_id,
            amount_cents=attempt.amount_cents,
            captured_at=tx.now,
        )
    )
    tx.do(RedeemInfusion(charge_id=attempt.charge_id), key=f"superbill:{attempt.charge_id}")


async def record_decline(declined: Declined, tx: Transaction) -> None:
    """The charge is still owed."""
    attempt = await store.lock_attempt(tx, declined.attempt_id)
    if attempt is None:
        return
    match _step(attempt, AttemptState.DECLINED):
        case Step.CHANGES_NOTHING:
            return
        case Step.CONTRADICTS:
            raise Poison(f"declined_after_{attempt.state.value}")
    await store.end_attempt(
        tx,
        declined.attempt_id,
        AttemptState.DECLINED,
        payment_intent_id=declined.payment_intent_id,
        reason=declined.reason,
    )
    await charges.set_charge(tx, attempt.charge_id, ChargeState.DECLINED)
    tx.publish(
        PaymentDeclined(
            patient_id=attempt.patient_id,
            attempt_id=declined.attempt_id,
            charge_id=attempt.charge_id,
            reason=declined.reason,
            declined_at=tx.now,
        )
    )
    await unmatched.look_again(attempt.charge_id, tx)


def _step(attempt: LockedAttempt, outcome: AttemptState) -> Step:
    return rules.step(attempt.state, outcome, decided=attempt.decided, settled=attempt.settled)


async def store_nothing(_: NothingToStore, __: Transaction) -> None:
    """Stripe was asked about something that is not ours, or has not come to an end."""
