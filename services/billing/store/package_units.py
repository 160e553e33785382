"""Units of prepaid packages: which are free, which are gone, which came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.packages.offers import PurchaseState
from services.billing.rules.packages.units import Unit, Wants, unit_cents
from services.billing.tables import PackageUnit
from shared.ids import new_id
from shared.messaging import Transaction

# Lock first, then look: who takes a unit holds its purchase, so the second one sees it gone.
_LOCK = text(
    """
    SELECT purchase_id FROM package_purchases
     WHERE patient_id = ANY(:patients) AND state = 'paid'
     ORDER BY purchase_id FOR UPDATE
    """
).bindparams(bindparam("patients", type_=ARRAY(PG_UUID)))

_FREE = """
    SELECT p.purchase_id, p.patient_id, p.visit_type, p.price_cents, p.units, n.number
      FROM package_purchases AS p CROSS JOIN generate_series(1, p.units) AS n (number)
     WHERE p.purchase_id = ANY(:purchases) AND p.state = 'paid'
       AND NOT EXISTS (SELECT FROM package_units AS u
                        WHERE u.purchase_id = p.purchase_id AND u.number = n.number
                          AND u.returned_at IS NULL)
"""
_IN_TURN = " ORDER BY p.decided_at, p.purchase_id, n.number"
_OF_PURCHASES = bindparam("purchases", type_=ARRAY(PG_UUID))

_LEFT = text(_FREE + _IN_TURN).bindparams(_OF_PURCHASES)

# While a bank has the money of a package nothing of it is used. The oldest package goes first.
_USABLE = text(
    _FREE
    + """
       AND NOT EXISTS (SELECT FROM disputes AS d
                        WHERE d.payment_id = p.purchase_id
                          AND d.state IN ('needs_response', 'under_review'))
    """
    + _IN_TURN
).bindparams(_OF_PURCHASES)

_LOCK_OF_PAYMENT = text(
    """
    SELECT purchase_id, state FROM package_purchases
     WHERE purchase_id = coalesce((SELECT purchase_id FROM package_units
                                    WHERE unit_id = :payment_id), :payment_id)
       FOR UPDATE
    """
)

_RETURN = text("UPDATE package_units SET returned_at = :at WHERE unit_id = :payment_id")

_RETURN_REFUNDED = text(
    """
    UPDATE package_units SET returned_at = :at
     WHERE refund_id = :refund_id AND returned_at IS NULL
    """
)


async def free_of(tx: Transaction, patients: Sequence[UUID]) -> list[tuple[Wants, Unit]]:
    """What these patients have paid ahead and not used, in the order in which it is used.

    Their purchases are ours until the commit.
    """
    held = list((await tx.execute(_LOCK, {"patients": list(patients)})).scalars())
    if not held:
        return []
    rows = await tx.execute(_USABLE, {"purchases": held})
    return [(Wants(row.patient_id, row.visit_type), _unit(row)) for row in rows]


async def free_units(tx: Transaction, purchase_id: UUID) -> list[Unit]:
    """What is left of one package, whose purchase is locked."""
    return [_unit(row) for row in await tx.execute(_LEFT, {"purchases": [purchase_id]})]


def _unit(row: Row[Any]) -> Unit:
    value_cents = unit_cents(row.price_cents, row.units, row.number)
    return Unit(row.purchase_id, row.number, value_cents)


def use(tx: Transaction, unit: Unit, *, payment_id: UUID, charge_id: UUID) -> None:
    """A unit pays a charge. One that is gone already breaks the transaction."""
    tx.insert(
        PackageUnit,
        unit_id=payment_id,
        purchase_id=unit.purchase_id,
        number=unit.number,
        value_cents=unit.value_cents,
        charge_id=charge_id,
        gone_at=tx.now,
    )


def give_back(tx: Transaction, units: Sequence[Unit], refund_id: UUID) -> None:
    """The money of units goes back: nobody uses them any more."""
    for unit in units:
        tx.insert(
            PackageUnit,
            unit_id=new_id(),
            purchase_id=unit.purchase_id,
            number=unit.number,
            value_cents=unit.value_cents,
            refund_id=refund_id,
            gone_at=tx.now,
        )


@dataclass(frozen=True, slots=True)
class OfPayment:
    """The package that a payment paid, or that it is a unit of. Its row is ours."""

    purchase_id: UUID
    is_paid: bool


async def lock_of_payment(tx: Transaction, payment_id: UUID) -> OfPayment | None:
    row = (await tx.execute(_LOCK_OF_PAYMENT, {"payment_id": payment_id})).one_or_none()
    return row and OfPayment(row.purchase_id, row.state == PurchaseState.PAID)


async def take_back(tx: Transaction, payment_id: UUID) -> None:
    """The charge that a unit paid is refunded: the unit is free again."""
    await tx.execute(_RETURN, {"payment_id": payment_id, "at": tx.now})


async def put_back(tx: Transaction, refund_id: UUID) -> None:
    """A refund did not arrive: its units are free again."""
    await tx.execute(_RETURN_REFUNDED, {"refund_id": refund_id, "at": tx.now})
