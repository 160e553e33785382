"""Disputes: whose payment, how far, what they moved, and which wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.books.ledger import Reason
from services.billing.rules.disputes.course import DisputeState, Moved
from services.billing.store.refunds import LockedPayment
from services.billing.tables import Dispute
from services.billing.work import DisputeStands
from shared.ids import new_id
from shared.messaging import Transaction

_PAYMENT = text("SELECT payment_id FROM payments WHERE tender = 'card' AND reference = :reference")

_LOCK = text(
    """
    SELECT dispute_id, state, hold_id, charged_back_cents, payment_id FROM disputes
     WHERE stripe_dispute_id = :stripe_dispute_id FOR UPDATE
    """
)

_KEEP = text(
    """
    INSERT INTO disputes (dispute_id, stripe_dispute_id, payment_id, patient_id, charge_id,
                          amount_cents, reason, state, opened_at, noticed_at, payment_intent_id)
    VALUES (:dispute_id, :stripe_dispute_id, :payment_id, :patient_id, :charge_id,
            :amount_cents, :reason, 'inquiry', :opened_at, :at, :payment_intent_id)
    ON CONFLICT (stripe_dispute_id) DO NOTHING
    """
).bindparams(
    bindparam("payment_id", type_=PG_UUID),
    bindparam("patient_id", type_=PG_UUID),
    bindparam("charge_id", type_=PG_UUID),
)
"""It begins at the first state; the one that it is found in follows in the same transaction."""

_PLACE = text(
    """
    UPDATE disputes SET payment_id = :payment_id, patient_id = :patient_id, charge_id = :charge_id
     WHERE dispute_id = :dispute_id
    """
).bindparams(bindparam("charge_id", type_=PG_UUID))

_SET = text(
    """
    UPDATE disputes
       SET state = :state, due_at = :due_at, amount_cents = :amount_cents, hold_id = :hold_id,
           charged_back_cents = :charged_back_cents, closed_at = :closed_at
     WHERE dispute_id = :dispute_id
    """
).bindparams(
    bindparam("due_at", type_=TIMESTAMP(timezone=True)),
    bindparam("closed_at", type_=TIMESTAMP(timezone=True)),
    bindparam("hold_id", type_=PG_UUID),
)

_MOVE = text(
    """
    INSERT INTO dispute_movements (transaction_id, dispute_id, amount_cents, moved_at)
    VALUES (:transaction_id, :dispute_id, :amount_cents, :at)
    ON CONFLICT DO NOTHING
    """
)

_LOST = f"""
    SELECT coalesce(sum(t.amount_cents), 0)::integer FROM ledger_transfers AS t
     WHERE t.reason IN ('{Reason.DISPUTE_LOST}', '{Reason.UNKNOWN_LOST}')
       AND split_part(t.source_id, ':', 1) = d.dispute_id::text
       AND NOT EXISTS (SELECT FROM ledger_transfers AS r WHERE r.reverses = t.transfer_id)
"""

_LOST_BEYOND = text(
    f"""
    SELECT d.dispute_id FROM disputes AS d
     WHERE d.payment_id = :payment_id AND d.state = 'lost'
       AND ({_LOST} AND t.debit = 'bad_debt')
         - (SELECT coalesce(sum(t.amount_cents), 0) FROM ledger_transfers AS t
              JOIN refunds AS b ON b.refund_id::text = t.source_id
             WHERE t.reason = '{Reason.REFUND_BY_BANK}' AND b.payment_id = d.payment_id
               AND NOT EXISTS (SELECT FROM ledger_transfers AS r
                                WHERE r.reverses = t.transfer_id)) >= :cents
     ORDER BY d.dispute_id LIMIT 1
    """
)

_NOT_MOVED = text(
    f"""
    SELECT * FROM (
        SELECT d.stripe_dispute_id, d.closed_at,
               (SELECT coalesce(-sum(m.amount_cents), 0)::integer FROM dispute_movements AS m
                 WHERE m.dispute_id = d.dispute_id) - ({_LOST}) AS at_bank_cents
          FROM disputes AS d WHERE d.state IN ('won', 'lost') AND d.closed_at <= :by) AS decided
     WHERE at_bank_cents <> 0 ORDER BY closed_at, stripe_dispute_id
    """
)

_COUNT_CHARGED_BACK = text(
    "UPDATE disputes SET charged_back_cents = charged_back_cents + :cents"
    " WHERE dispute_id = :dispute_id"
)

_MOVED = text("SELECT transaction_id FROM dispute_movements WHERE dispute_id = :dispute_id")

_HELD = text(
    "SELECT coalesce(-sum(amount_cents), 0)::integer FROM dispute_movements"
    " WHERE dispute_id = :dispute_id"
)

_CHARGE_BACK = text(
    "UPDATE payments SET charged_back_cents = charged_back_cents + :cents,"
    " unapplied_cents = unapplied_cents - :waited_cents"
    " WHERE payment_id = :payment_id"
)

_OPEN = text(
    """
    SELECT dispute_id, stripe_dispute_id, patient_id, state, due_at, amount_cents FROM disputes
     WHERE closed_at IS NULL OR (payment_id IS NULL AND state = 'lost')
     ORDER BY due_at, dispute_id
    """
)

_PAYS_AGAIN = text(
    """
    UPDATE disputes SET charged_back_cents = charged_back_cents - :cents
     WHERE dispute_id = (SELECT dispute_id FROM disputes
                          WHERE payment_id = :payment_id AND state = 'won'
                            AND charged_back_cents >= :cents
                          ORDER BY closed_at DESC, dispute_id LIMIT 1)
    """
)

_HOLDS = text("SELECT EXISTS (SELECT FROM disputes WHERE hold_id = :hold_id AND closed_at IS NULL)")


async def payment_of(tx: Transaction, payment_intent_id: str) -> UUID | None:
    """The payment that Stripe's id of it names; `None` for money that is not in the books."""
    found = await tx.execute(_PAYMENT, {"reference": payment_intent_id})
    payment_id: UUID | None = found.scalar()
    return payment_id


@dataclass(frozen=True, slots=True)
class LockedDispute:
    """Ours until the commit."""

    dispute_id: UUID
    state: DisputeState
    hold_id: UUID | None
    charged_back_cents: int
    is_placed: bool
    """Whether its payment is in the books."""


async def lock(tx: Transaction, stripe_dispute_id: str) -> LockedDispute | None:
    """Where its payment is in the books, the lock of that comes before."""
    row = (await tx.execute(_LOCK, {"stripe_dispute_id": stripe_dispute_id})).one_or_none()
    return row and LockedDispute(
        row.dispute_id,
        DisputeState(row.state),
        row.hold_id,
        row.charged_back_cents,
        row.payment_id is not None,
    )


async def keep(
    tx: Transaction, payment_id: UUID | None, paid: LockedPayment | None, stands: DisputeStands
) -> bool:
    """Write a dispute under an id of ours; whether it is seen for the first time."""
    kept = await tx.execute(
        _KEEP,
        {
            "dispute_id": new_id(),
            "stripe_dispute_id": stands.stripe_dispute_id,
            "payment_id": payment_id,
            "patient_id": paid and paid.patient_id,
            "charge_id": paid and paid.charge_id,
            "amount_cents": stands.amount_cents,
            "reason": stands.reason,
            "opened_at": stands.opened_at,
            "payment_intent_id": stands.payment_intent_id,
            "at": tx.now,
        },
    )
    return kept.rowcount == 1


async def place(tx: Transaction, dispute_id: UUID, payment_id: UUID, paid: LockedPayment) -> None:
    """The payment of a dispute is in the books by now."""
    of = {"payment_id": payment_id, "patient_id": paid.patient_id, "charge_id": paid.charge_id}
    await tx.execute(_PLACE, {"dispute_id": dispute_id} | of)


async def set_state(
    tx: Transaction,
    dispute_id: UUID,
    stands: DisputeStands,
    *,
    hold_id: UUID | None,
    charged_back_cents: int = 0,
    closed_at: datetime | None = None,
) -> None:
    await tx.execute(
        _SET,
        {
            "dispute_id": dispute_id,
            "state": stands.state.value,
            "due_at": stands.due_at,
            "amount_cents": stands.amount_cents,
            "hold_id": hold_id,
            "charged_back_cents": charged_back_cents,
            "closed_at": closed_at,
        },
    )


async def note_movement(tx: Transaction, dispute_id: UUID, moved: Moved) -> bool:
    """Whether a movement is news."""
    done = await tx.execute(
        _MOVE,
        {
            "transaction_id": moved.transaction_id,
            "dispute_id": dispute_id,
            "amount_cents": moved.amount_cents,
            "at": moved.at,
        },
    )
    return done.rowcount == 1


async def is_old_news(tx: Transaction, dispute_id: UUID, stands: DisputeStands) -> bool:
    """Whether more has moved by now than these news know of: two answers came in each other's way.

    Of what a bank decides again and again only that tells which was told last.
    """
    known = set((await tx.execute(_MOVED, {"dispute_id": dispute_id})).scalars())
    return {moved.transaction_id for moved in stands.movements} < known


async def held_cents(tx: Transaction, dispute_id: UUID) -> int:
    """What the bank has of a dispute."""
    return int((await tx.execute(_HELD, {"dispute_id": dispute_id})).scalar_one())


async def charge_back(
    tx: Transaction, payment_id: UUID, cents: int, *, waited_cents: int = 0
) -> None:
    """A part of a payment is lost, or is not lost any more where it is less than nothing.

    So much of that waited to be given back.
    """
    lost = {"payment_id": payment_id, "cents": cents, "waited_cents": waited_cents}
    await tx.execute(_CHARGE_BACK, lost)


async def pays_again(tx: Transaction, payment_id: UUID, cents: int) -> None:
    """The charge needs after all what it did not need when a bank gave it back."""
    await tx.execute(_PAYS_AGAIN, {"payment_id": payment_id, "cents": cents})


async def not_moved(tx: Transaction, by: datetime) -> list[Any]:
    """Disputes decided by then whose money is elsewhere: which, how much the bank has, since."""
    return list(await tx.execute(_NOT_MOVED, {"by": by}))


async def count_as_charged_back(
    tx: Transaction, payment_id: UUID, cents: int, *, of_charge: bool
) -> bool:
    """Whether a bank took so much more of a payment than it still paid: it is what it took then.

    What was not of the charge any more the dispute counts already.
    """
    asked = {"payment_id": payment_id, "cents": cents}
    dispute_id = (await tx.execute(_LOST_BEYOND, asked)).scalar_one_or_none()
    if dispute_id is None:
        return False
    if of_charge:
        await tx.execute(_COUNT_CHARGED_BACK, {"dispute_id": dispute_id, "cents": cents})
    await charge_back(tx, payment_id, cents)
    return True


async def open_ones(tx: Transaction) -> list[Any]:
    """All that are open or look for their payment still, what is due first in front."""
    return list(await tx.execute(_OPEN))


async def is_open_under(tx: Transaction, hold_id: UUID) -> bool:
    """Whether a dispute needs a hold still."""
    return bool((await tx.execute(_HOLDS, {"hold_id": hold_id})).scalar_one())


_DISPUTES: Table = Dispute.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_OPENING = (_DISPUTES.c.opened_at, _DISPUTES.c.dispute_id)


def listed(*, closed: bool) -> Select[Any]:
    """Disputes that are open, or those that came to an end."""
    is_closed = _DISPUTES.c.closed_at.is_not(None)
    return select(*_DISPUTES.c).where(is_closed if closed else ~is_closed)


async def lock_by_id(tx: Transaction, dispute_id: UUID) -> Any | None:
    """A dispute; its row is ours until the commit."""
    mine = select(*_DISPUTES.c).where(_DISPUTES.c.dispute_id == dispute_id).with_for_update()
    return (await tx.execute(mine)).one_or_none()


async def find(tx: Transaction, dispute_id: UUID) -> Any | None:
    found = await tx.execute(select(*_DISPUTES.c).where(_DISPUTES.c.dispute_id == dispute_id))
    return found.one_or_none()
