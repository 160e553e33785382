"""Money that waits beside a charge pays it as soon as it is owed again: nobody is asked twice."""

from __future__ import annotations

from uuid import UUID

from services.billing.handlers.collecting import steps
from services.billing.handlers.payments import unmatched
from services.billing.handlers.superbills.issuing import reissue
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.superbills.document import CorrectionReason
from services.billing.store import charges, disputes
from services.billing.store import unmatched as store
from services.billing.store.ledger import post_again
from shared.events.billing import WaitingMoneyApplied
from shared.messaging import Transaction


async def pays(charge_id: UUID, tx: Transaction, *, but: UUID | None = None) -> None:
    """Have what waits pay what is owed, unless a try is under way that may bring it.

    What Stripe took for a try that had ended is looked at there; what a bank gave back is here. A
    payment that somebody is giving back (`but`) does not pay again.
    """
    await unmatched.look_again(charge_id, tx)
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None or charge.owed.trying is not None:
        return
    standing, of = charge.owed.standing, OfCharge(charge.patient_id, charge_id)
    for waits in await store.unapplied_of(tx, charge_id):
        cents = min(standing.owed_cents, waits.unapplied_cents)
        if cents <= 0 or waits.payment_id == but:
            continue
        await store.apply(tx, waits.payment_id, cents)
        await disputes.pays_again(tx, waits.payment_id, cents)
        await post_again(tx, ledger.unmatched_applied(of, waits.reference, cents, tx.now))
        standing = standing.with_paid(cents)
        await charges.set_standing(tx, charge_id, standing)
        await steps.owes_less(charge_id, standing, tx)
        tx.publish(
            WaitingMoneyApplied(
                patient_id=charge.patient_id,
                payment_id=waits.payment_id,
                charge_id=charge_id,
                amount_cents=cents,
                owed_cents=standing.owed_cents,
                applied_at=tx.now,
            )
        )
        reissue(charge_id, CorrectionReason.PAYMENT, tx)
