"""Refunds: what may go back, what is on its way, what did not arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select, text

from services.billing.gateways.refunds import RefundOrder
from services.billing.rules.books.ledger import Reason
from services.billing.rules.charges.attempts import key_may_be_forgotten
from services.billing.rules.charges.standing import Standing
from services.billing.rules.packages.units import Unit, refundable_cents
from services.billing.rules.payments.refunds import Parts, Refundable, RefundState
from services.billing.rules.superbills.document import Receipt
from services.billing.store import package_units
from services.billing.tables import Refund
from services.billing.work import CreateRefund, RefundStands
from shared.events.billing import RefundReason, TenderKind
from shared.messaging import Transaction

# Whoever matches money that waits beside a charge locks the charge of its try: so do we.
_LOCK_CHARGE = text(
    """
    SELECT FROM charges WHERE charge_id = (
        SELECT coalesce(p.charge_id, a.charge_id)
          FROM payments AS p
          LEFT JOIN unmatched_payments AS u USING (payment_id)
          LEFT JOIN payment_attempts AS a ON a.attempt_id = u.attempt_id
         WHERE p.payment_id = :payment_id)
       FOR UPDATE
    """
)

_PAYMENT = text(
    """
    SELECT p.patient_id, p.charge_id, p.tender, p.reference, p.amount_cents, p.refunded_cents,
           p.rejected_at IS NOT NULL AS is_rejected, p.charged_back_cents, p.unapplied_cents,
           EXISTS (SELECT FROM disputes AS d WHERE d.payment_id = p.payment_id
                      AND d.state IN ('needs_response', 'under_review')) AS is_charged_back,
           c.amount_cents AS costs_cents, c.paid_cents, c.forgiven_cents
      FROM payments AS p LEFT JOIN charges AS c USING (charge_id)
     WHERE p.payment_id = :payment_id
       FOR UPDATE OF p
    """
)

_ON_THE_LIST = text(
    """
    UPDATE unmatched_payments AS u SET returned_at = NULL FROM payments AS p
     WHERE p.payment_id = :payment_id AND u.payment_id = p.payment_id AND p.refunded_cents = :cents
    """
)

_REFUNDED = text(
    """
    UPDATE payments SET refunded_cents = refunded_cents + :cents,
           unapplied_cents = unapplied_cents - CASE WHEN :unapplied THEN :cents ELSE 0 END
     WHERE payment_id = :payment_id
    """
)

_OFF_THE_LIST = text(
    "UPDATE unmatched_payments SET returned_at = :at WHERE payment_id = :payment_id"
)

_TAKEN_BY = text(
    "SELECT payment_id FROM payments WHERE tender = 'card' AND reference = :payment_intent_id"
)

_BY_STRIPES_ID = text("SELECT refund_id FROM refunds WHERE stripe_refund_id = :stripe_refund_id")

_PAYMENT_OF = text("SELECT payment_id FROM refunds WHERE refund_id = :refund_id")

_REFUND = text(
    """
    SELECT payment_id, amount_cents, unapplied_cents, beyond_cents, reason, state,
           stripe_refund_id
      FROM refunds WHERE refund_id = :refund_id
    """
)

_KNOWN_AS = text(
    "UPDATE refunds SET stripe_refund_id = coalesce(stripe_refund_id, :stripe_refund_id)"
    " WHERE refund_id = :refund_id"
)

_DECIDE = text(
    """
    UPDATE refunds SET state = :state, failure = :failure, undone = :undone, decided_at = :at
     WHERE refund_id = :refund_id
    """
)

_IS_ONE_TO_BE_SENT = text(
    "SELECT EXISTS (SELECT FROM refunds WHERE payment_id = :payment_id AND state = 'pending'"
    " AND stripe_refund_id IS NULL)"
)

_ORDER = text(
    """
    SELECT r.amount_cents, r.asked_at, p.reference
      FROM refunds AS r JOIN payments AS p USING (payment_id)
     WHERE r.refund_id = :refund_id AND r.state = 'pending' AND r.stripe_refund_id IS NULL
    """
)

_BY_BANK = text(
    f"""
    SELECT r.refund_id FROM refunds AS r
      JOIN ledger_transfers AS t
        ON t.reason = '{Reason.REFUND_BY_BANK}' AND t.source_id = r.refund_id::text
     WHERE r.payment_id = :payment_id
       AND NOT EXISTS (SELECT FROM ledger_transfers AS b WHERE b.reverses = t.transfer_id)
     ORDER BY r.asked_at, r.refund_id
    """
)

_REOPEN = text(
    "UPDATE refunds SET undone = :undone, handled_at = NULL WHERE refund_id = :refund_id"
)

_REFERENCE_USED = text(
    "SELECT EXISTS (SELECT FROM refunds WHERE tender = :tender AND reference = :reference)"
)

_HANDLE = text(
    """
    UPDATE refunds SET handled_at = coalesce(handled_at, :at)
     WHERE refund_id = :refund_id AND state = 'failed'
    RETURNING patient_id, handled_at
    """
)

_GIVEN_BACK = text(
    """
    SELECT r.refund_id, r.tender, r.reference,
           r.amount_cents - r.unapplied_cents - r.beyond_cents AS amount_cents, r.decided_at
      FROM refunds AS r
     WHERE r.charge_id = :charge_id AND r.state = 'succeeded'
       AND r.amount_cents > r.unapplied_cents + r.beyond_cents
    UNION ALL
    SELECT dispute_id, 'card', NULL, charged_back_cents, closed_at FROM disputes
     WHERE charge_id = :charge_id AND charged_back_cents > 0
     ORDER BY decided_at, refund_id
    """
)


@dataclass(frozen=True, slots=True)
class PaidPackage:
    """What of a package can go back."""

    purchase_id: UUID
    free: tuple[Unit, ...]

    @property
    def free_cents(self) -> int:
        return sum(unit.value_cents for unit in self.free)


@dataclass(frozen=True, slots=True)
class LockedPayment:
    """A payment whose row, and whose charge's, are ours until the commit."""

    patient_id: UUID
    charge_id: UUID | None
    reference: str
    refundable: Refundable
    standing: Standing | None
    package: PaidPackage | None = None

    def for_reason(self, reason: RefundReason) -> LockedPayment:
        """What of it a refund for a reason is about: what its charge does not need pays none."""
        if reason is RefundReason.NOTHING_OWED:
            return replace(self, charge_id=None, standing=None)
        return self

    @property
    def is_unapplied(self) -> bool:
        """Whether this is what a charge does not need of its payment."""
        return self.refundable.pays_charge and self.charge_id is None


async def lock_payment(tx: Transaction, payment_id: UUID) -> LockedPayment | None:
    """Lock first, then look. The charge comes before its payments, as everywhere.

    Between them comes the package that it paid, or that it is a unit of.
    """
    await tx.execute(_LOCK_CHARGE, {"payment_id": payment_id})
    package = await package_units.lock_of_payment(tx, payment_id)
    row = (await tx.execute(_PAYMENT, {"payment_id": payment_id})).one_or_none()
    if row is None:
        return None
    pays = row.charge_id is not None
    free: tuple[Unit, ...] = ()
    in_steps_cents: tuple[int, ...] | None = None
    if package is not None and pays:
        in_steps_cents = (row.amount_cents,) if package.is_paid else ()
    elif package is not None:
        free = tuple(await package_units.free_units(tx, package.purchase_id))
        in_steps_cents = refundable_cents(free)
    return LockedPayment(
        patient_id=row.patient_id,
        charge_id=row.charge_id,
        reference=row.reference,
        refundable=Refundable(
            tender=TenderKind(row.tender),
            amount_cents=row.amount_cents,
            refunded_cents=row.refunded_cents,
            pays_charge=pays,
            is_rejected=row.is_rejected,
            charged_back_cents=row.charged_back_cents,
            unapplied_cents=row.unapplied_cents,
            is_charged_back=row.is_charged_back,
            in_steps_cents=in_steps_cents,
        ),
        standing=Standing(row.costs_cents, row.paid_cents, row.forgiven_cents) if pays else None,
        package=PaidPackage(package.purchase_id, free) if package and not pays else None,
    )


async def count_refunded(
    tx: Transaction, payment_id: UUID, cents: int, *, unapplied: bool = False
) -> None:
    """More of a payment went back; less of it did where `cents` is negative."""
    counted = {"payment_id": payment_id, "cents": cents, "unapplied": unapplied}
    await tx.execute(_REFUNDED, counted)


async def take_off_the_list(tx: Transaction, payment_id: UUID) -> None:
    """Money that no charge waits for goes back, or a part of it: it pays none any more."""
    await tx.execute(_OFF_THE_LIST, {"payment_id": payment_id, "at": tx.now})


async def put_back(tx: Transaction, payment_id: UUID, cents: int) -> None:
    """A refund did not arrive: where it was the only one, the money may pay a charge again."""
    await tx.execute(_ON_THE_LIST, {"payment_id": payment_id, "cents": cents})


@dataclass(frozen=True, slots=True)
class LockedRefund:
    """A refund and its payment, ours until the commit."""

    payment_id: UUID
    amount_cents: int
    parts: Parts
    reason: RefundReason
    state: RefundState
    stripe_refund_id: str | None
    paid: LockedPayment

    @property
    def is_sent(self) -> bool:
        """Whether Stripe has it."""
        return self.stripe_refund_id is not None


async def lock_refund(tx: Transaction, refund_id: UUID) -> LockedRefund | None:
    payment_id = (await tx.execute(_PAYMENT_OF, {"refund_id": refund_id})).scalar()
    if payment_id is None:
        return None
    paid = await lock_payment(tx, payment_id)
    assert paid is not None, "a refund has its payment"
    row = (await tx.execute(_REFUND, {"refund_id": refund_id})).one()
    reason = RefundReason(row.reason)
    return LockedRefund(
        payment_id=payment_id,
        amount_cents=row.amount_cents,
        parts=Parts(
            row.amount_cents - row.unapplied_cents - row.beyond_cents,
            row.unapplied_cents,
            row.beyond_cents,
        ),
        reason=reason,
        state=RefundState(row.state),
        stripe_refund_id=row.stripe_refund_id,
        paid=paid.for_reason(reason),
    )


async def is_one_to_be_sent(tx: Transaction, payment_id: UUID) -> bool:
    """Whether a refund of ours counts already that Stripe has not had yet."""
    found = await tx.execute(_IS_ONE_TO_BE_SENT, {"payment_id": payment_id})
    return bool(found.scalar_one())


async def settled_by_bank(tx: Transaction, payment_id: UUID) -> list[UUID]:
    """The refunds of a payment that did not arrive while its patient's bank took the money."""
    return list((await tx.execute(_BY_BANK, {"payment_id": payment_id})).scalars())


async def reopen(tx: Transaction, refund_id: UUID, *, undone: bool) -> None:
    """A person has to see to a failed refund after all."""
    await tx.execute(_REOPEN, {"refund_id": refund_id, "undone": undone})


async def payment_taken_by(tx: Transaction, payment_intent_id: str) -> UUID | None:
    """The payment that a PaymentIntent brought."""
    found = await tx.execute(_TAKEN_BY, {"payment_intent_id": payment_intent_id})
    payment_id: UUID | None = found.scalar_one_or_none()
    return payment_id


async def known_as(tx: Transaction, stripe_refund_id: str) -> UUID | None:
    """Our refund that Stripe knows by this id."""
    found = await tx.execute(_BY_STRIPES_ID, {"stripe_refund_id": stripe_refund_id})
    refund_id: UUID | None = found.scalar_one_or_none()
    return refund_id


async def know_as(tx: Transaction, stands: RefundStands) -> None:
    """Keep Stripe's id of a refund."""
    if stands.stripe_refund_id is not None:
        known = {"refund_id": stands.refund_id, "stripe_refund_id": stands.stripe_refund_id}
        await tx.execute(_KNOWN_AS, known)


async def decide(
    tx: Transaction,
    refund_id: UUID,
    state: RefundState,
    *,
    failure: str | None = None,
    undone: bool = False,
) -> None:
    """Write what came of a refund."""
    decided = {"state": state.value, "failure": failure, "undone": undone, "at": tx.now}
    await tx.execute(_DECIDE, {"refund_id": refund_id} | decided)


async def load_order(tx: Transaction, work: CreateRefund) -> RefundOrder | None:
    """What Stripe is asked for; `None` once Stripe has it."""
    row = (await tx.execute(_ORDER, {"refund_id": work.refund_id})).one_or_none()
    if row is None:
        return None
    return RefundOrder(
        refund_id=work.refund_id,
        payment_intent_id=row.reference,
        amount_cents=row.amount_cents,
        created_at=row.asked_at,
        look_first=key_may_be_forgotten(row.asked_at, tx.now),
    )


async def reference_is_used(tx: Transaction, tender: TenderKind, reference: str) -> bool:
    found = await tx.execute(_REFERENCE_USED, {"tender": tender.value, "reference": reference})
    return bool(found.scalar_one())


async def handle(tx: Transaction, refund_id: UUID) -> Any | None:
    """A person saw to a refund that failed. Whose it is, and since when; `None` for no such."""
    return (await tx.execute(_HANDLE, {"refund_id": refund_id, "at": tx.now})).one_or_none()


async def given_back_of(tx: Transaction, charge_id: UUID) -> tuple[Receipt, ...]:
    """What went back of a charge or was lost in a dispute, the oldest first.

    A card's receipt is the refund's own id, or the dispute's.
    """
    rows = await tx.execute(_GIVEN_BACK, {"charge_id": charge_id})
    return tuple(
        Receipt(
            tender=TenderKind(row.tender),
            reference=row.reference or str(row.refund_id),
            amount_cents=row.amount_cents,
            at=row.decided_at,
        )
        for row in rows
    )


_REFUNDS: Table = Refund.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_ASKING = (_REFUNDS.c.asked_at, _REFUNDS.c.refund_id)
BY_FAILURE = (_REFUNDS.c.decided_at, _REFUNDS.c.refund_id)


def refunds_of(patient_id: UUID) -> Select[Any]:
    """A patient's refunds."""
    return select(*_REFUNDS.c).where(_REFUNDS.c.patient_id == patient_id)


def failed() -> Select[Any]:
    """The refunds that did not arrive and that nobody saw to yet."""
    return select(*_REFUNDS.c).where(
        _REFUNDS.c.state == RefundState.FAILED.value, _REFUNDS.c.handled_at.is_(None)
    )
