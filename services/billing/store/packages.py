"""Prepaid packages as they are offered, and as patients bought them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.gateways.payments import Order
from services.billing.rules.charges.attempts import key_may_be_forgotten
from services.billing.rules.packages.offers import NotPaid, Offer, PurchaseState
from services.billing.tables import Package, PackagePurchase, PackageUnit
from services.billing.work import LookForPackagePayment, PayForPackage
from shared.events.billing import TenderKind
from shared.messaging import Transaction

_FEE_ON = text(
    """
    SELECT amount_cents FROM fees
     WHERE visit_type = :visit_type AND starts_at <= :at
     ORDER BY starts_at DESC, revision DESC LIMIT 1
    """
)

_OFFER = text(
    """
    SELECT visit_type, units, price_cents, starts_at, ended_at, takes_care_credit
      FROM packages WHERE package_id = :package_id
    """
)

_END = text(
    """
    UPDATE packages SET ended_at = coalesce(ended_at, :at), ended_by = coalesce(ended_by, :by)
     WHERE package_id = :package_id
    """
)

_CARD = text(
    """
    SELECT k.card_id FROM cards AS k JOIN mandates AS m USING (setup_id)
     WHERE k.patient_id = :patient_id AND k.gone_at IS NULL AND m.withdrawn_at IS NULL
     ORDER BY k.set_up_at DESC, k.setup_id DESC LIMIT 1
    """
)

_REFERENCE_USED = text(
    """
    SELECT EXISTS (SELECT FROM payments WHERE tender = :tender AND reference = :reference)
        OR EXISTS (SELECT FROM package_purchases
                    WHERE tender = :tender AND reference = :reference)
    """
)

# Two clicks at once: the second one waits for the first, and is told of it.
_BUY = text(
    """
    INSERT INTO package_purchases (purchase_id, package_id, patient_id, visit_type, units,
                                   price_cents, tender, reference, card_id, state, bought_by,
                                   bought_at)
    SELECT :purchase_id, package_id, :patient_id, visit_type, units, price_cents, :tender,
           :reference, :card_id, 'pending', :by, :at
      FROM packages WHERE package_id = :package_id
    ON CONFLICT (patient_id) WHERE state = 'pending' DO NOTHING
    """
).bindparams(bindparam("reference", type_=TEXT), bindparam("card_id", type_=PG_UUID))

_LOCK = text(
    """
    SELECT patient_id, units, price_cents, tender, reference, state FROM package_purchases
     WHERE purchase_id = :purchase_id FOR UPDATE
    """
)

_SET = text(
    """
    UPDATE package_purchases SET state = :state, reason = :reason, decided_at = :at
     WHERE purchase_id = :purchase_id
    """
).bindparams(bindparam("reason", type_=TEXT))

_ORDER = text(
    """
    SELECT p.bought_at, p.price_cents, u.stripe_customer_id, k.stripe_payment_method_id,
           EXISTS (SELECT FROM mandates AS m
                    WHERE m.setup_id = k.setup_id AND m.withdrawn_at IS NULL) AS is_agreed,
           EXISTS (SELECT FROM collections_holds AS h
                    WHERE h.patient_id = p.patient_id AND h.ended_at IS NULL
                      AND h.charge_id IS NULL) AS is_held
      FROM package_purchases AS p
      JOIN cards AS k USING (card_id)
      JOIN customers AS u ON u.patient_id = p.patient_id
     WHERE p.purchase_id = :purchase_id AND p.state = 'pending'
    """
)


async def fee_on(tx: Transaction, visit_type: str, at: datetime) -> int | None:
    """What one visit costs at a moment; `None` where no fee covers it."""
    found = await tx.execute(_FEE_ON, {"visit_type": visit_type, "at": at})
    amount_cents: int | None = found.scalar()
    return amount_cents


async def find_offer(tx: Transaction, package_id: UUID) -> Offer | None:
    row = (await tx.execute(_OFFER, {"package_id": package_id})).one_or_none()
    return row and Offer(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


async def end(tx: Transaction, package_id: UUID, by: str) -> bool:
    """Sell a package no more; the first time counts. False when there is no such package."""
    ended = await tx.execute(_END, {"package_id": package_id, "by": by, "at": tx.now})
    return ended.rowcount == 1


async def card_of(tx: Transaction, patient_id: UUID) -> UUID | None:
    """The card on file that may be charged; `None` where none may."""
    card_id: UUID | None = (await tx.execute(_CARD, {"patient_id": patient_id})).scalar()
    return card_id


async def reference_is_used(tx: Transaction, tender: TenderKind, reference: str) -> bool:
    found = await tx.execute(_REFERENCE_USED, {"tender": tender.value, "reference": reference})
    return bool(found.scalar_one())


async def buy(
    tx: Transaction,
    purchase_id: UUID,
    *,
    package_id: UUID,
    patient_id: UUID,
    tender: TenderKind,
    reference: str | None,
    card_id: UUID | None,
    by: str,
) -> bool:
    """Write a purchase that waits for its money. False when another one of the patient does."""
    bought = await tx.execute(
        _BUY,
        {
            "purchase_id": purchase_id,
            "package_id": package_id,
            "patient_id": patient_id,
            "tender": tender.value,
            "reference": reference,
            "card_id": card_id,
            "by": by,
            "at": tx.now,
        },
    )
    return bought.rowcount == 1


@dataclass(frozen=True, slots=True)
class LockedPurchase:
    """A purchase whose row is ours until the commit: nobody uses a unit of it meanwhile."""

    purchase_id: UUID
    patient_id: UUID
    units: int
    price_cents: int
    tender: TenderKind
    reference: str | None
    state: PurchaseState


async def lock(tx: Transaction, purchase_id: UUID) -> LockedPurchase | None:
    row = (await tx.execute(_LOCK, {"purchase_id": purchase_id})).one_or_none()
    if row is None:
        return None
    return LockedPurchase(
        purchase_id,
        row.patient_id,
        row.units,
        row.price_cents,
        TenderKind(row.tender),
        row.reference,
        PurchaseState(row.state),
    )


async def set_state(
    tx: Transaction, purchase_id: UUID, state: PurchaseState, *, reason: NotPaid | None = None
) -> None:
    """Write what came of a purchase."""
    came = {"state": state.value, "reason": reason and reason.value, "at": tx.now}
    await tx.execute(_SET, {"purchase_id": purchase_id} | came)


async def load_order(tx: Transaction, work: PayForPackage | LookForPackagePayment) -> Order | None:
    """What Stripe is asked for; `None` once it is known what came of it."""
    row = (await tx.execute(_ORDER, {"purchase_id": work.purchase_id})).one_or_none()
    if row is None:
        return None
    return Order(
        attempt_id=work.purchase_id,
        amount_cents=row.price_cents,
        customer_id=row.stripe_customer_id,
        payment_method_id=row.stripe_payment_method_id,
        created_at=row.bought_at,
        look_first=key_may_be_forgotten(row.bought_at, tx.now),
        is_agreed=row.is_agreed,
        is_held=row.is_held,
    )


_PACKAGES: Table = Package.__table__  # type: ignore[attr-defined]  # every table=True model has one
_PURCHASES: Table = PackagePurchase.__table__  # type: ignore[attr-defined]  # as above
_UNITS: Table = PackageUnit.__table__  # type: ignore[attr-defined]  # as above

BY_START = (_PACKAGES.c.starts_at, _PACKAGES.c.package_id)
BY_BUYING = (_PURCHASES.c.bought_at, _PURCHASES.c.purchase_id)


def offered() -> Select[Any]:
    """Every package that was ever recorded."""
    return select(*_PACKAGES.c)


def bought_by(patient_id: UUID) -> Select[Any]:
    """A patient's purchases, each with what became of its units."""
    gone = select(
        func.count(_UNITS.c.charge_id).label("used"),
        func.count(_UNITS.c.refund_id).label("refunded"),
    ).where(_UNITS.c.purchase_id == _PURCHASES.c.purchase_id, _UNITS.c.returned_at.is_(None))
    of_purchase = gone.lateral("gone")
    return select(*_PURCHASES.c, of_purchase.c.used, of_purchase.c.refunded).where(
        _PURCHASES.c.patient_id == patient_id
    )
