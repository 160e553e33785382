"""The money of a package: a card is charged for it as due work, and what came is put aside."""

from __future__ import annotations

from uuid import UUID

from services.billing.rules.books import ledger
from services.billing.rules.charges.attempts import SETTLES_WITHIN
from services.billing.rules.collecting.declines import AbandonReason
from services.billing.rules.packages import offers as rules
from services.billing.rules.packages.offers import NotPaid, PurchaseState, PurchaseStep
from services.billing.store import packages as store
from services.billing.store.ledger import post
from services.billing.store.packages import LockedPurchase
from services.billing.store.payments import Received, receive
from services.billing.work import (
    Captured,
    Declined,
    LookForPackagePayment,
    NeverArrived,
    PayForPackage,
)
from shared.errors import Poison
from shared.events.billing import PackagePaid
from shared.messaging import Transaction


def charge_card(tx: Transaction, purchase_id: UUID) -> None:
    """Have the card on file charged. The purchase's id is Stripe's idempotency key."""
    tx.do(PayForPackage(purchase_id=purchase_id), key=f"pay-package:{purchase_id}")


async def give_up(work: PayForPackage, tx: Transaction) -> None:
    """A person gave it up. Until Stripe has told what came of it no other package is bought."""
    _look_for(work.purchase_id, tx)


async def look_on(work: LookForPackagePayment, tx: Transaction) -> None:
    """Whether money was taken is not given up: it is asked for until it is known."""
    _look_for(work.purchase_id, tx)


def _look_for(purchase_id: UUID, tx: Transaction) -> None:
    tx.do(
        LookForPackagePayment(purchase_id=purchase_id),
        due=tx.now + SETTLES_WITHIN,
        key=f"look-for-package:{purchase_id}",
    )


async def record_capture(captured: Captured, tx: Transaction) -> None:
    """The package is paid, if the payment is one's. Whoever brings the news first is believed."""
    purchase = await store.lock(tx, captured.attempt_id)
    if purchase is None or _step(purchase, PurchaseState.PAID) is not PurchaseStep.TAKE:
        return
    if captured.amount_cents != purchase.price_cents:
        raise Poison("captured_amount_differs")
    await settle(purchase, captured.payment_intent_id, tx)


async def settle(purchase: LockedPurchase, reference: str, tx: Transaction) -> None:
    """The money came: it is owed to the patient until it is earned or goes back."""
    await store.set_state(tx, purchase.purchase_id, PurchaseState.PAID)
    receive(
        tx,
        Received(
            payment_id=purchase.purchase_id,
            patient_id=purchase.patient_id,
            charge_id=None,
            tender=purchase.tender,
            reference=reference,
            amount_cents=purchase.price_cents,
        ),
    )
    post(
        tx,
        ledger.package_paid(
            purchase.patient_id,
            purchase.purchase_id,
            purchase.tender,
            purchase.price_cents,
            tx.now,
        ),
    )
    tx.publish(
        PackagePaid(
            patient_id=purchase.patient_id,
            payment_id=purchase.purchase_id,
            tender=purchase.tender,
            units=purchase.units,
            amount_cents=purchase.price_cents,
            paid_at=tx.now,
        )
    )


async def settle_funded(purchase_id: UUID, tx: Transaction) -> None:
    """CareCredit's money for a package is there."""
    purchase = await store.lock(tx, purchase_id)
    assert purchase is not None, "its id is its payment's"
    assert purchase.reference is not None, "only a card has none"
    if purchase.state is PurchaseState.PENDING:
        await settle(purchase, purchase.reference, tx)


async def record_decline(declined: Declined, tx: Transaction) -> None:
    """The card was refused: nothing was bought. Another purchase tries again."""
    await decline(declined.attempt_id, declined.reason, tx)


async def record_never_arrived(lost: NeverArrived, tx: Transaction) -> None:
    """Nothing was taken: nothing was bought. What is known by now is newer than this look."""
    purchase = await store.lock(tx, lost.attempt_id)
    if purchase is not None and purchase.state is PurchaseState.PENDING:
        await decline(lost.attempt_id, AbandonReason.NOT_AT_STRIPE, tx)


async def decline(purchase_id: UUID, reason: NotPaid, tx: Transaction) -> None:
    """No money comes for a purchase, if it is one's."""
    purchase = await store.lock(tx, purchase_id)
    if purchase is None:
        return
    match _step(purchase, PurchaseState.DECLINED):
        case PurchaseStep.TAKE:
            await store.set_state(tx, purchase_id, PurchaseState.DECLINED, reason=reason)
        case PurchaseStep.CHANGES_NOTHING:
            pass


def _step(purchase: LockedPurchase, news: PurchaseState) -> PurchaseStep:
    return rules.step(purchase.state, news)
