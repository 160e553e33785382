"""What a dispute moved, posted once."""

from __future__ import annotations

from uuid import UUID

from services.billing.rules.books import ledger
from services.billing.store import disputes as store
from services.billing.store.ledger import post
from services.billing.store.refunds import LockedPayment
from services.billing.work import DisputeStands
from shared.messaging import Transaction


async def note_movements(
    dispute_id: UUID, paid: LockedPayment | None, stands: DisputeStands, tx: Transaction
) -> None:
    """The bank's money is neither the clinic's nor the patient's until it has decided."""
    patient_id, charge_id = (paid.patient_id, paid.charge_id) if paid else (None, None)
    for moved in stands.movements:
        if await store.note_movement(tx, dispute_id, moved):
            post(tx, ledger.dispute_moved(patient_id, charge_id, moved))
