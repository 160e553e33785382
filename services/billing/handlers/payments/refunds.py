"""Refunds: back to the tender that the money came by. A card's is made by Stripe, as due work."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from pydantic import BaseModel

from services.billing.gateways.refunds import RefundOrder, Refunds
from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.handlers.payments import waiting
from services.billing.handlers.payments.outside import Currency, Reference
from services.billing.handlers.payments.refunds_listed import RefundShown
from services.billing.handlers.superbills.issuing import reissue
from services.billing.rules.approvals import Entry
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.charges.attempts import CURRENCY
from services.billing.rules.packages.units import units_that_go_back
from services.billing.rules.payments import refunds as rules
from services.billing.rules.payments.references import reference_as_kept
from services.billing.rules.payments.refunds import Parts, RefundState, RefundStep
from services.billing.rules.superbills.document import CorrectionReason
from services.billing.store import charges, disputes, package_units, unmatched
from services.billing.store import refunds as store
from services.billing.store.ledger import post, reverse
from services.billing.store.refunds import LockedPayment, LockedRefund
from services.billing.tables import Refund
from services.billing.work import (
    CreateRefund,
    LookAtRefund,
    NothingToStore,
    RefundMadeAtStripe,
    RefundStands,
    refund_key,
)
from shared.errors import Poison
from shared.events.billing import (
    PositiveCents,
    RefundFailed,
    RefundIssued,
    RefundReason,
    TenderKind,
)
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(days=1)
"""A refund that Stripe calls pending is asked for again after this, whatever webhooks say."""


class AskRefund(BaseModel):
    """Give all or a part of one payment back, to the tender that it came by.

    `reference` is the other side's receipt where the tender is not Stripe's.
    """

    amount_cents: PositiveCents
    reason: RefundReason
    currency: Currency = CURRENCY
    tender: TenderKind | None = None
    reference: Reference | None = None


async def ask_refund(
    payment_id: UUID, wish: AskRefund, by: str, tx: Transaction, *, seen: bool = False
) -> RefundShown | ApprovalAsked | Refused:
    """Start a refund. Its payment and charge count it at once, so that none is given twice.

    Above a limit it waits for a second person; `seen` says that one has looked at it.
    """
    paid = await store.lock_payment(tx, payment_id)
    if paid is None:
        return Refused.not_found("payment")
    broken = rules.broken_by_refund(
        paid.refundable,
        amount_cents=wish.amount_cents,
        reason=wish.reason,
        tender=wish.tender,
        currency=wish.currency,
        reference=wish.reference,
    )
    if broken:
        return Refused.by_rules(broken)
    tender = paid.refundable.tender
    reference = wish.reference and reference_as_kept(wish.reference)
    if reference is not None and await store.reference_is_used(tx, tender, reference):
        return Refused.because(
            "reference_used",
            "This reference is of a refund that was recorded already. Check the receipt.",
            field="reference",
            source="one receipt per refund",
        )
    if not seen and (
        asked := await hold(
            tx,
            Entry.REFUND,
            wish,
            subject_id=payment_id,
            patient_id=paid.patient_id,
            amount_cents=wish.amount_cents,
            by=by,
        )
    ):
        return asked
    paid = paid.for_reason(wish.reason)
    shown, owed_cents = await start(payment_id, paid, wish, reference, by, tx)
    if paid.charge_id is not None and wish.reason in rules.OWED_AGAIN:
        await waiting.pays(paid.charge_id, tx, but=payment_id)
    if shown.state is RefundState.PENDING:
        tx.do(CreateRefund(refund_id=shown.refund_id), key=refund_key(shown.refund_id))
    else:
        _send(shown.refund_id, paid, wish.amount_cents, tx)
        _issue(shown.refund_id, payment_id, paid, wish.amount_cents, wish.reason, owed_cents, tx)
    return shown


async def start(
    payment_id: UUID,
    paid: LockedPayment,
    wish: AskRefund,
    reference: str | None,
    by: str,
    tx: Transaction,
    *,
    parts: Parts | None = None,
) -> tuple[RefundShown, int]:
    """Have the payment and its charge count a refund; with it, what the charge is owed then.

    `parts` says what it is of where it is not of one thing alone.
    """
    tender, parts = paid.refundable.tender, parts or Parts(wish.amount_cents)
    by_stripe = tender is TenderKind.CARD
    shown = RefundShown(
        refund_id=new_id(),
        payment_id=payment_id,
        charge_id=paid.charge_id,
        patient_id=paid.patient_id,
        tender=tender,
        amount_cents=wish.amount_cents,
        unapplied_cents=parts.unapplied_cents,
        beyond_cents=parts.beyond_cents,
        reason=wish.reason,
        state=RefundState.PENDING if by_stripe else RefundState.SUCCEEDED,
        reference=reference,
        failure=None,
        undone=False,
        asked_by=by,
        asked_at=tx.now,
        decided_at=None if by_stripe else tx.now,
        handled_at=None,
    )
    row = shown.model_dump() | {
        "tender": tender.value,
        "reason": wish.reason.value,
        "state": shown.state.value,
    }
    tx.insert(Refund, **row)
    _count_beside(shown, parts, tx)
    if parts.unapplied_cents:
        await store.count_refunded(tx, payment_id, parts.unapplied_cents, unapplied=True)
    owed_cents = await _count(shown, paid, parts.of_payment_cents, tx)
    return shown, owed_cents


def _count_beside(shown: RefundShown, parts: Parts, tx: Transaction) -> None:
    """What a refund made at Stripe gives back beside what its payment pays."""
    refund_id, patient_id = shown.refund_id, shown.patient_id
    if parts.unapplied_cents:
        post(tx, ledger.unmatched_refunded(patient_id, refund_id, parts.unapplied_cents, tx.now))
    if parts.beyond_cents:
        post(tx, ledger.refund_beyond(patient_id, refund_id, parts.beyond_cents, tx.now))


async def _count(shown: RefundShown, paid: LockedPayment, cents: int, tx: Transaction) -> int:
    """What a refund does to what its payment pays. What the charge is owed then."""
    payment_id, reason = shown.payment_id, shown.reason
    owed_cents = paid.standing.owed_cents if paid.standing else 0
    if not cents:
        return owed_cents
    await store.count_refunded(tx, payment_id, cents, unapplied=paid.is_unapplied)
    if paid.package is not None:
        back = units_that_go_back(paid.package.free, cents)
        package_units.give_back(tx, back, shown.refund_id)
        post(tx, ledger.package_refunded(paid.patient_id, shown.refund_id, cents, tx.now))
    elif paid.charge_id is None or paid.standing is None:
        await store.take_off_the_list(tx, payment_id)
        post(tx, ledger.unmatched_refunded(paid.patient_id, shown.refund_id, cents, tx.now))
    else:
        if shown.tender is TenderKind.PREPAID:
            await package_units.take_back(tx, payment_id)
        standing = rules.after_refund(paid.standing, cents, reason)
        owed_cents = standing.owed_cents
        await charges.set_standing(tx, paid.charge_id, standing)
        of, given_up = (
            OfCharge(paid.patient_id, paid.charge_id),
            reason not in rules.OWED_AGAIN,
        )
        post(tx, ledger.refund_started(of, shown.refund_id, cents, tx.now, given_up=given_up))
    return owed_cents


def _send(refund_id: UUID, paid: LockedPayment, cents: int, tx: Transaction) -> None:
    """The money has left the clinic's."""
    tender = paid.refundable.tender
    sent = ledger.refund_sent(paid.patient_id, paid.charge_id, refund_id, tender, cents, tx.now)
    post(tx, sent)


def _issue(
    refund_id: UUID,
    payment_id: UUID,
    paid: LockedPayment,
    cents: int,
    reason: RefundReason,
    owed_cents: int,
    tx: Transaction,
) -> None:
    """The money is with the patient, or with the patient's bank."""
    tx.publish(
        RefundIssued(
            patient_id=paid.patient_id,
            refund_id=refund_id,
            payment_id=payment_id,
            charge_id=paid.charge_id,
            tender=paid.refundable.tender,
            amount_cents=cents,
            reason=reason,
            owed_cents=owed_cents,
            issued_at=tx.now,
        )
    )
    if paid.charge_id is not None:
        reissue(paid.charge_id, CorrectionReason.REFUND, tx)


async def create_refund(order: RefundOrder, refunds: Refunds) -> RefundStands:
    """Give the money back. Safe to repeat: the key is the refund's id, committed before."""
    return await refunds.refund(order)


async def look_at_refund(
    work: LookAtRefund, refunds: Refunds
) -> RefundStands | RefundMadeAtStripe | NothingToStore:
    """Ask Stripe how a refund stands. A webhook only says that it is worth asking."""
    return await refunds.refund_now(work.stripe_refund_id)


async def refund_on(work: CreateRefund, tx: Transaction) -> None:
    """Whether money went back is not given up: it is tried until Stripe says what came of it."""
    tx.do(work, due=tx.now + LOOK_EVERY, key=refund_key(work.refund_id))


async def record_refund(stands: RefundStands, tx: Transaction) -> None:
    """Whoever brings the news first, the call or the webhook, is believed."""
    refund = await store.lock_refund(tx, stands.refund_id)
    if refund is None:
        return
    await store.know_as(tx, stands)
    is_news = stands.stripe_refund_id is not None and not refund.is_sent
    if is_news and stands.state is not RefundState.FAILED:
        _send(stands.refund_id, refund.paid, refund.amount_cents, tx)
    match rules.step(refund.state, stands.state, is_known=refund.is_sent):
        case RefundStep.TAKE if stands.state is RefundState.SUCCEEDED:
            await store.decide(tx, stands.refund_id, RefundState.SUCCEEDED)
            standing = refund.paid.standing
            _issue(
                stands.refund_id,
                refund.payment_id,
                refund.paid,
                refund.amount_cents,
                refund.reason,
                standing.owed_cents if standing else 0,
                tx,
            )
        case RefundStep.TAKE:
            await _fail(stands, refund, tx)
        case RefundStep.CONTRADICTS:
            raise Poison(f"refund_{stands.state.value}_after_{refund.state.value}")
        case RefundStep.CHANGES_NOTHING:
            if refund.state is RefundState.PENDING and stands.stripe_refund_id is not None:
                look = LookAtRefund(stripe_refund_id=stands.stripe_refund_id)
                tx.do(look, due=tx.now + LOOK_EVERY, key=f"look-on:{stands.stripe_refund_id}")


async def _fail(stands: RefundStands, refund: LockedRefund, tx: Transaction) -> None:
    """The money is the clinic's again: put back where it was, or owed to the patient."""
    paid, cents = refund.paid, refund.parts.of_payment_cents
    await reverse(tx, ledger.Reason.REFUND_SENT, str(stands.refund_id))
    await _uncount_beside(stands.refund_id, refund, tx)
    undone, is_by_bank = True, False
    if paid.package is not None:
        await package_units.put_back(tx, stands.refund_id)
        await reverse(tx, ledger.Reason.PACKAGE_REFUNDED, str(stands.refund_id))
    elif is_by_bank := await _took_it_by_dispute(stands.refund_id, refund, tx):
        undone = False
    elif paid.charge_id is None or paid.standing is None:
        await store.put_back(tx, refund.payment_id, cents)
        await reverse(tx, ledger.Reason.UNMATCHED_REFUNDED, str(stands.refund_id))
    elif (standing := rules.after_failure(paid.standing, cents, refund.reason)) is not None:
        await charges.set_standing(tx, paid.charge_id, standing)
        await reverse(tx, ledger.Reason.REFUND_STARTED, str(stands.refund_id))
    else:
        undone = False
    if undone:
        await store.count_refunded(tx, refund.payment_id, -cents, unapplied=paid.is_unapplied)
    await store.decide(
        tx,
        stands.refund_id,
        RefundState.FAILED,
        failure=stands.failure or "unknown",
        undone=undone,
    )
    if is_by_bank:
        await store.handle(tx, stands.refund_id)
    log.warning("refund_failed")
    tx.publish(
        RefundFailed(
            patient_id=paid.patient_id,
            refund_id=stands.refund_id,
            payment_id=refund.payment_id,
            charge_id=paid.charge_id,
            amount_cents=refund.amount_cents,
            failed_at=tx.now,
        )
    )
    if paid.charge_id is not None:
        reissue(paid.charge_id, CorrectionReason.REFUND, tx)


async def _uncount_beside(refund_id: UUID, refund: LockedRefund, tx: Transaction) -> None:
    """The mirror of `_count_beside`, also of what a person said of it."""
    if refund.parts.unapplied_cents:
        await store.count_refunded(
            tx, refund.payment_id, -refund.parts.unapplied_cents, unapplied=True
        )
        await reverse(tx, ledger.Reason.UNMATCHED_REFUNDED, str(refund_id))
    if refund.parts.beyond_cents:
        await reverse(tx, ledger.Reason.REFUND_BEYOND, str(refund_id))
        if refund.stripe_refund_id is not None:
            await reverse(tx, ledger.Reason.SUSPENSE_SETTLED, refund.stripe_refund_id)


async def _took_it_by_dispute(refund_id: UUID, refund: LockedRefund, tx: Transaction) -> bool:
    """Whether the patient has the money of a failed refund from the bank, which took it as well.

    Then the charge stays given up or owed, as the refund left it, and nobody gives it back again.
    """
    paid, cents = refund.paid, refund.parts.of_payment_cents
    if not cents:
        return False
    await store.count_refunded(tx, refund.payment_id, -cents)
    if not await disputes.count_as_charged_back(
        tx, refund.payment_id, cents, of_charge=paid.charge_id is not None
    ):
        await store.count_refunded(tx, refund.payment_id, cents)
        return False
    post(tx, ledger.refund_by_bank(paid.patient_id, paid.charge_id, refund_id, cents, tx.now))
    return True


async def owe_again(payment_id: UUID, tx: Transaction) -> int:
    """The bank gave back after all what it took while refunds failed: they stand as failed ones.

    How many cents of what it gave back are of refunds of the charge.
    """
    given_back_cents = 0
    for refund_id in await store.settled_by_bank(tx, payment_id):
        refund = await store.lock_refund(tx, refund_id)
        assert refund is not None, "it was found just now"
        paid, cents = refund.paid, refund.parts.of_payment_cents
        await reverse(tx, ledger.Reason.REFUND_BY_BANK, str(refund_id))
        await disputes.charge_back(tx, payment_id, -cents)
        if paid.charge_id is None or paid.standing is None:
            await reverse(tx, ledger.Reason.UNMATCHED_REFUNDED, str(refund_id))
            await unmatched.wait_again(tx, payment_id, cents)
            await store.reopen(tx, refund_id, undone=True)
            continue
        standing = rules.after_failure(paid.standing, cents, refund.reason)
        if standing is None:
            await store.count_refunded(tx, payment_id, cents)
        else:
            await charges.set_standing(tx, paid.charge_id, standing)
            await reverse(tx, ledger.Reason.REFUND_STARTED, str(refund_id))
        await store.reopen(tx, refund_id, undone=standing is not None)
        given_back_cents += cents
    return given_back_cents
