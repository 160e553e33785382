"""Money that Stripe took and that no charge waits for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, case, select, text

from services.billing.rules.books.ledger import Reason
from services.billing.tables import Charge, Payment, PaymentAttempt, UnmatchedPayment
from services.billing.work import Captured
from shared.ids import new_id
from shared.messaging import Transaction

_NOTE = text(
    """
    WITH taken AS (
        INSERT INTO payments (payment_id, patient_id, tender, reference, amount_cents, taken_at)
        VALUES (:payment_id, :patient_id, 'card', :payment_intent_id, :amount_cents, :at)
        ON CONFLICT DO NOTHING RETURNING payment_id
    )
    INSERT INTO unmatched_payments (payment_intent_id, attempt_id, payment_id, amount_cents,
                                    noticed_at)
    SELECT :payment_intent_id, :attempt_id, payment_id, :amount_cents, :at FROM taken
    """
)

_UNAPPLIED = text(
    "UPDATE payments SET unapplied_cents = unapplied_cents + :cents"
    " WHERE payment_id = :payment_id AND charge_id IS NOT NULL"
)

_LIST_AGAIN = text(
    "UPDATE unmatched_payments AS u SET noticed_at = :at,"
    " returned_at = CASE WHEN p.charge_id IS NULL AND p.refunded_cents + p.charged_back_cents > 0"
    " THEN u.returned_at END"
    " FROM payments AS p WHERE p.payment_id = u.payment_id AND u.payment_id = :payment_id"
)

_LIST = text(
    """
    INSERT INTO unmatched_payments (payment_intent_id, attempt_id, payment_id, amount_cents,
                                    noticed_at)
    SELECT p.reference, a.attempt_id, p.payment_id, :cents, :at
      FROM payments AS p
      JOIN payment_attempts AS a ON a.stripe_payment_intent_id = p.reference
     WHERE p.payment_id = :payment_id
    """
)

_MATCH = text(
    """
    WITH waiting AS (
        DELETE FROM unmatched_payments
         WHERE payment_intent_id = :payment_intent_id AND returned_at IS NULL
        RETURNING payment_id
    )
    UPDATE payments AS p SET charge_id = :charge_id FROM waiting AS w
     WHERE p.payment_id = w.payment_id
    RETURNING p.payment_id
    """
)

_WAS_RETURNED = text(
    "SELECT EXISTS (SELECT FROM unmatched_payments"
    " WHERE payment_intent_id = :payment_intent_id AND returned_at IS NOT NULL)"
)

_WAS_NOTED = text(
    "SELECT EXISTS (SELECT FROM ledger_transfers"
    f" WHERE reason = '{Reason.UNMATCHED_RETURNED}' AND source_id = :payment_intent_id)"
)

_OF_CHARGE = text(
    """
    SELECT payment_intent_id FROM unmatched_payments JOIN payment_attempts USING (attempt_id)
     WHERE charge_id = :charge_id AND returned_at IS NULL
    """
)

_UNAPPLIED_OF = text(
    "SELECT payment_id, reference, unapplied_cents FROM payments"
    " WHERE charge_id = :charge_id AND unapplied_cents > 0 ORDER BY taken_at, payment_id FOR UPDATE"
)

_RETURN = text(
    """
    WITH kept AS (
        SELECT p.payment_id, p.patient_id, p.unapplied_cents,
               coalesce(u.returned_at, :at) AS returned_at,
               CASE WHEN p.charge_id IS NOT NULL THEN p.unapplied_cents
                    ELSE p.amount_cents - p.refunded_cents - p.charged_back_cents
               END AS left_cents
          FROM unmatched_payments AS u JOIN payments AS p USING (payment_id)
         WHERE u.payment_intent_id = :payment_intent_id
           FOR UPDATE
    ), returned AS (
        UPDATE unmatched_payments AS u SET returned_at = k.returned_at FROM kept AS k
         WHERE u.payment_id = k.payment_id
    ), refunded AS (
        UPDATE payments AS p SET refunded_cents = p.refunded_cents + k.left_cents,
               unapplied_cents = p.unapplied_cents - k.unapplied_cents
          FROM kept AS k
         WHERE p.payment_id = k.payment_id AND k.left_cents > 0
    )
    SELECT patient_id, returned_at, left_cents FROM kept
    """
)


async def wait_again(tx: Transaction, payment_id: UUID, cents: int) -> None:
    """What came back of a payment after all pays no charge: it is on the list."""
    waits = {"payment_id": payment_id, "cents": cents, "at": tx.now}
    await tx.execute(_UNAPPLIED, waits)
    if (await tx.execute(_LIST_AGAIN, waits)).rowcount == 0:
        await tx.execute(_LIST, waits)


async def note(tx: Transaction, captured: Captured, patient_id: UUID) -> bool:
    """Keep what Stripe took; once, however often it is told. Whether it is new."""
    noted = await tx.execute(
        _NOTE,
        {
            "payment_id": new_id(),
            "patient_id": patient_id,
            "payment_intent_id": captured.payment_intent_id,
            "attempt_id": captured.attempt_id,
            "amount_cents": captured.amount_cents,
            "at": tx.now,
        },
    )
    return noted.rowcount > 0


async def match(tx: Transaction, payment_intent_id: str, charge_id: UUID) -> UUID | None:
    """A charge takes the money after all. Its payment's id; `None` if it was not on the list."""
    of = {"payment_intent_id": payment_intent_id, "charge_id": charge_id}
    payment_id: UUID | None = (await tx.execute(_MATCH, of)).scalar()
    return payment_id


async def was_returned(tx: Transaction, payment_intent_id: str) -> bool:
    """Whether the money was given back; Stripe calls such a payment succeeded still."""
    found = await tx.execute(_WAS_RETURNED, {"payment_intent_id": payment_intent_id})
    return bool(found.scalar_one())


async def was_noted_as_returned(tx: Transaction, payment_intent_id: str) -> bool:
    """Whether a person has said that they gave it back at Stripe."""
    found = await tx.execute(_WAS_NOTED, {"payment_intent_id": payment_intent_id})
    return bool(found.scalar_one())


async def of_charge(tx: Transaction, charge_id: UUID) -> list[str]:
    """The payments of a charge's tries that wait for a person."""
    return list((await tx.execute(_OF_CHARGE, {"charge_id": charge_id})).scalars())


async def unapplied_of(tx: Transaction, charge_id: UUID) -> list[Any]:
    """What waits of the payments of a charge: payment, Stripe's id of it, cents."""
    return list(await tx.execute(_UNAPPLIED_OF, {"charge_id": charge_id}))


async def apply(tx: Transaction, payment_id: UUID, cents: int) -> None:
    """So much of what waited pays its charge again."""
    await tx.execute(_UNAPPLIED, {"payment_id": payment_id, "cents": -cents})


async def give_back(tx: Transaction, payment_intent_id: str) -> Any | None:
    """Whose payment was given back, when, and how much of it now; `None` for one unknown."""
    returned = {"payment_intent_id": payment_intent_id, "at": tx.now}
    return (await tx.execute(_RETURN, returned)).one_or_none()


_UNMATCHED: Table = UnmatchedPayment.__table__  # type: ignore[attr-defined]  # every table=True model has one
_ATTEMPTS: Table = PaymentAttempt.__table__  # type: ignore[attr-defined]  # as above
_CHARGES: Table = Charge.__table__  # type: ignore[attr-defined]  # as above
_PAYMENTS: Table = Payment.__table__  # type: ignore[attr-defined]  # as above

BY_NOTICE = (_UNMATCHED.c.noticed_at, _UNMATCHED.c.payment_intent_id)


def waiting() -> Select[Any]:
    """All that was not given back whole yet, with whose charge it was taken for."""
    is_won_back = _PAYMENTS.c.charge_id.is_not(None)
    left_cents = case(
        (is_won_back, _PAYMENTS.c.unapplied_cents),
        else_=_PAYMENTS.c.amount_cents
        - _PAYMENTS.c.refunded_cents
        - _PAYMENTS.c.charged_back_cents,
    )
    return (
        select(
            *_UNMATCHED.c,
            _CHARGES.c.charge_id,
            _CHARGES.c.patient_id,
            left_cents.label("left_cents"),
            is_won_back.label("is_won_back"),
        )
        .join(_PAYMENTS, _PAYMENTS.c.payment_id == _UNMATCHED.c.payment_id)
        .join(_ATTEMPTS, _ATTEMPTS.c.attempt_id == _UNMATCHED.c.attempt_id)
        .join(_CHARGES, _CHARGES.c.charge_id == _ATTEMPTS.c.charge_id)
        .where(left_cents > 0)
    )
