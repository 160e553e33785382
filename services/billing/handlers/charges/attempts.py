"""Tries at the card on file. Each is a row, committed before Stripe hears of it."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.billing.gateways.payments import Order, Payments
from services.billing.handlers.collecting import steps
from services.billing.handlers.collecting.asking import broken_by_asking, broken_by_trying
from services.billing.handlers.packages import paying as packages
from services.billing.handlers.payments import pay_links, unmatched, waiting
from services.billing.handlers.superbills import issuing
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.charges import attempts as rules
from services.billing.rules.charges.attempts import AttemptState, Step
from services.billing.rules.collecting.declines import AbandonReason
from services.billing.rules.payments.pay_links import LinkState
from services.billing.store import attempts as store
from services.billing.store import charges
from services.billing.store import pay_links as stored_links
from services.billing.store import unmatched as stored_unmatched
from services.billing.store.attempts import LockedAttempt
from services.billing.store.ledger import post
from services.billing.store.payments import Received, receive
from services.billing.tables import PaymentAttempt
from services.billing.work import (
    Captured,
    CapturePayment,
    Declined,
    LookAtPayment,
    LookForPayment,
    NeverArrived,
    NothingToStore,
    capture_key,
    look_key,
)
from shared.errors import Poison
from shared.events.billing import (
    DeclineReason,
    PaymentCaptured,
    PaymentDeclined,
    PositiveCents,
    TenderKind,
)
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class AttemptStarted(BaseModel):
    attempt_id: UUID
    charge_id: UUID
    patient_id: UUID
    amount_cents: int
    state: AttemptState


def start(tx: Transaction, *, charge_id: UUID, card_id: UUID, amount_cents: int) -> UUID:
    """Write the attempt and leave the call to be made. The id is Stripe's idempotency key."""
    attempt_id = new_id()
    tx.insert(
        PaymentAttempt,
        attempt_id=attempt_id,
        charge_id=charge_id,
        card_id=card_id,
        amount_cents=amount_cents,
        state=AttemptState.PENDING.value,
        created_at=tx.now,
    )
    tx.do(CapturePayment(attempt_id=attempt_id), key=capture_key(attempt_id))
    return attempt_id


def decline_unasked(
    tx: Transaction, *, charge_id: UUID, patient_id: UUID, amount_cents: int, reason: DeclineReason
) -> None:
    """A try that ends before it begins: there is no card that may be charged."""
    attempt_id = new_id()
    tx.insert(
        PaymentAttempt,
        attempt_id=attempt_id,
        charge_id=charge_id,
        amount_cents=amount_cents,
        state=AttemptState.DECLINED.value,
        reason=reason.value,
        created_at=tx.now,
        decided_at=tx.now,
    )
    tx.publish(
        PaymentDeclined(
            patient_id=patient_id,
            attempt_id=attempt_id,
            charge_id=charge_id,
            reason=reason,
            declined_at=tx.now,
        )
    )
    steps.begin_without_card(tx, charge_id, reason)


class TryCard(BaseModel):
    """A try at the card on file, for a part of what is owed or for all of it."""

    amount_cents: PositiveCents | None = None


async def try_again(
    charge_id: UUID, wish: TryCard | None, tx: Transaction
) -> AttemptStarted | Refused:
    """Start the next try, at the card that is on file now."""
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    standing, card_id = charge.owed.standing, charge.owed.card_id
    amount_cents = (wish and wish.amount_cents) or standing.owed_cents
    if broken := rules.broken_by_try(charge.owed, amount_cents) or await broken_by_asking(
        tx, charge.patient_id, charge_id
    ):
        return Refused.by_rules(broken)
    assert card_id is not None
    if broken := await broken_by_trying(tx, card_id):
        return Refused.by_rules(broken)
    await pay_links.withdraw(charge_id, tx)
    await charges.set_standing(tx, charge_id, standing, tender=TenderKind.CARD)
    return AttemptStarted(
        attempt_id=start(tx, charge_id=charge_id, card_id=card_id, amount_cents=amount_cents),
        charge_id=charge_id,
        patient_id=charge.patient_id,
        amount_cents=amount_cents,
        state=AttemptState.PENDING,
    )


async def capture_payment(order: Order, payments: Payments) -> Captured | Declined | NeverArrived:
    """Charge the saved card. Safe to repeat: the key is the attempt's id, committed before.

    Once the patient took the mandate back, or while a hold is open, Stripe is only asked whether
    it has the money already.
    """
    if order.is_agreed and not order.is_held:
        return await payments.capture(order)
    match await payments.find(order):
        case NeverArrived() as lost if order.is_agreed:
            return lost
        case NeverArrived():
            return Declined(
                attempt_id=order.attempt_id,
                payment_intent_id=None,
                reason=DeclineReason.NO_MANDATE,
            )
        case known:
            return known


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


async def withdraw(charge_id: UUID, tx: Transaction) -> None:
    """The whole charge is paid otherwise while Stripe does not answer.

    The try is not sent again. Money that it took all the same is for a person to give back.
    """
    attempt_id = await store.withdraw(tx, charge_id)
    if attempt_id is not None:
        tx.cancel(capture_key(attempt_id))
        _look_for(attempt_id, tx)


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
    """Nothing was taken: the charge may be tried again. A try that a hold stopped is, after it."""
    attempt = await store.lock_attempt(tx, lost.attempt_id)
    if attempt is None:
        await packages.record_never_arrived(lost, tx)
        return
    if attempt.decided:
        return
    await store.end_attempt(
        tx, lost.attempt_id, AttemptState.ABANDONED, reason=AbandonReason.NOT_AT_STRIPE
    )
    if attempt.state is AttemptState.PENDING:
        await steps.try_after_hold(attempt.charge_id, tx)
    else:
        await steps.go_on(attempt.charge_id, tx)
    await waiting.pays(attempt.charge_id, tx)


async def record_capture(captured: Captured, tx: Transaction) -> None:
    """The charge is paid, or a part of it; or a package is, which has the same facts.

    Whoever brings the news first, the call or the webhook, is believed. What no charge
    waits for is for a person to give back.
    """
    attempt = await store.lock_attempt(tx, captured.attempt_id)
    if attempt is None:
        await packages.record_capture(captured, tx)
        return
    if await stored_unmatched.was_returned(tx, captured.payment_intent_id):
        return
    if _is_taken_again(captured, attempt):
        await unmatched.note(captured, attempt.patient_id, tx)
        return
    differs = captured.amount_cents != attempt.amount_cents
    match _step(attempt, AttemptState.CAPTURED):
        case Step.TAKE if not differs:
            await _settle(captured, attempt, tx)
        case Step.TAKE if not attempt.decided:
            raise Poison("captured_amount_differs")
        case Step.TAKE | Step.UNMATCHED:
            await unmatched.note(captured, attempt.patient_id, tx)
        case Step.CHANGES_NOTHING:
            pass


def _is_taken_again(captured: Captured, attempt: LockedAttempt) -> bool:
    """One key stands for one payment; should Stripe have taken two all the same, one goes back."""
    before = attempt.payment_intent_id
    return attempt.state is AttemptState.CAPTURED and before not in {
        None,
        captured.payment_intent_id,
    }


async def _settle(captured: Captured, attempt: LockedAttempt, tx: Transaction) -> None:
    payment_id = await _take(captured, attempt, tx)
    await store.end_attempt(
        tx,
        captured.attempt_id,
        AttemptState.CAPTURED,
        payment_intent_id=captured.payment_intent_id,
    )
    standing = attempt.standing.with_paid(attempt.amount_cents)
    await charges.set_standing(tx, attempt.charge_id, standing)
    await stored_links.set_link(tx, captured.attempt_id, LinkState.PAID)
    await steps.owes_less(attempt.charge_id, standing, tx)
    tx.publish(
        PaymentCaptured(
            patient_id=attempt.patient_id,
            payment_id=payment_id,
            charge_id=attempt.charge_id,
            infusion_id=attempt.infusion_id,
            service=attempt.service,
            amount_cents=attempt.amount_cents,
            owed_cents=standing.owed_cents,
            captured_at=tx.now,
        )
    )
    if standing.owed_cents == 0:
        issuing.ask(attempt.charge_id, tx)


async def _take(captured: Captured, attempt: LockedAttempt, tx: Transaction) -> UUID:
    """Have the money on the charge: what just came, or what waited beside it. The payment's id."""
    of, amount_cents = OfCharge(attempt.patient_id, attempt.charge_id), attempt.amount_cents
    intent = captured.payment_intent_id
    waited = await stored_unmatched.match(tx, intent, attempt.charge_id)
    if waited is not None:
        post(tx, ledger.unmatched_applied(of, intent, amount_cents, tx.now))
        return waited
    payment = Received(
        payment_id=captured.attempt_id,
        patient_id=attempt.patient_id,
        charge_id=attempt.charge_id,
        tender=TenderKind.CARD,
        reference=intent,
        amount_cents=amount_cents,
    )
    receive(tx, payment)
    post(tx, ledger.card_captured(of, payment.payment_id, amount_cents, tx.now))
    return payment.payment_id


async def record_decline(declined: Declined, tx: Transaction) -> None:
    """The charge is still owed."""
    attempt = await store.lock_attempt(tx, declined.attempt_id)
    if attempt is None:
        await packages.record_decline(declined, tx)
        return
    if _step(attempt, AttemptState.DECLINED) is Step.CHANGES_NOTHING:
        return
    await store.end_attempt(
        tx,
        declined.attempt_id,
        AttemptState.DECLINED,
        payment_intent_id=declined.payment_intent_id,
        reason=declined.reason,
        codes=declined.codes,
    )
    await charges.set_standing(tx, attempt.charge_id, attempt.standing, declined=True)
    tx.publish(
        PaymentDeclined(
            patient_id=attempt.patient_id,
            attempt_id=declined.attempt_id,
            charge_id=attempt.charge_id,
            reason=declined.reason,
            declined_at=tx.now,
        )
    )
    await steps.after_decline(attempt.charge_id, declined.reason, declined.codes, tx)
    await waiting.pays(attempt.charge_id, tx)


def _step(attempt: LockedAttempt, outcome: AttemptState) -> Step:
    return rules.step(attempt.state, outcome, decided=attempt.decided, settled=attempt.settled)


async def store_nothing(_: NothingToStore, __: Transaction) -> None:
    """Stripe was asked about something that is not ours, or has not come to an end."""
