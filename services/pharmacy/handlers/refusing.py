"""Giving a prescription back to a person. Whatever waits for it no longer happens."""

from __future__ import annotations

from collections.abc import Sequence

from services.pharmacy.handlers import keys
from services.pharmacy.rules.states import State
from services.pharmacy.store import prescriptions, signings
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Violation
from shared.events.pharmacy import PrescriptionRefused
from shared.messaging.transaction import Transaction


async def refuse(
    prescription: Prescription,
    reason: str,
    tx: Transaction,
    *,
    violations: Sequence[Violation] = (),
) -> None:
    """End a prescription with a reason that everybody may read and details that are sealed."""
    await prescriptions.move(
        tx,
        prescription,
        State.REFUSED,
        reason=reason,
        refusal=prescriptions.seal_refusal(tx, prescription.prescription_id, violations),
    )
    await signings.supersede_undecided(tx, prescription.prescription_id)
    for key in keys.all_of(prescription.prescription_id):
        tx.cancel(key)
    tx.publish(
        PrescriptionRefused(
            patient_id=prescription.patient_id,
            prescription_id=prescription.prescription_id,
            reason=reason,
            refused_at=tx.now,
        )
    )
