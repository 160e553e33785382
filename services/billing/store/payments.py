"""Payments: money that came, by whatever tender."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.billing.rules.superbills.document import Receipt
from services.billing.tables import Payment
from shared.events.billing import TenderKind
from shared.messaging import Transaction

_REFERENCE_USED = text(
    "SELECT EXISTS (SELECT FROM payments WHERE tender = :tender AND reference = :reference)"
)

_RECEIVED = text(
    """
    SELECT payment_id, tender, reference, amount_cents, taken_at FROM payments
     WHERE charge_id = :charge_id AND rejected_at IS NULL
     ORDER BY taken_at, payment_id
    """
)


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came. It pays `charge_id`, where there is one to pay."""

    payment_id: UUID
    patient_id: UUID
    charge_id: UUID | None
    tender: TenderKind
    reference: str
    amount_cents: int


def receive(tx: Transaction, received: Received) -> None:
    """Write a payment. A reference that its tender used before breaks the transaction."""
    tx.insert(
        Payment,
        payment_id=received.payment_id,
        patient_id=received.patient_id,
        charge_id=received.charge_id,
        tender=received.tender.value,
        reference=received.reference,
        amount_cents=received.amount_cents,
        taken_at=tx.now,
    )


async def reference_is_used(tx: Transaction, tender: TenderKind, reference: str) -> bool:
    found = await tx.execute(_REFERENCE_USED, {"tender": tender.value, "reference": reference})
    return bool(found.scalar_one())


async def received_for(tx: Transaction, charge_id: UUID) -> tuple[Receipt, ...]:
    """What was paid on a charge, the oldest first. A card's receipt is the payment's own id."""
    rows = await tx.execute(_RECEIVED, {"charge_id": charge_id})
    return tuple(
        Receipt(
            tender=TenderKind(row.tender),
            reference=str(row.payment_id) if row.tender == TenderKind.CARD else row.reference,
            amount_cents=row.amount_cents,
            at=row.taken_at,
        )
        for row in rows
    )
