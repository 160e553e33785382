"""Giving a prescription back to a person: to be corrected, or for good.

Either way whatever waits for it no longer happens, and a session that is open does not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.pharmacy.handlers import keys
from services.pharmacy.rules.states import State
from services.pharmacy.store import prescriptions, signings
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Violation
from shared.events.pharmacy import PrescriptionHeld, PrescriptionRefused
from shared.messaging.transaction import Transaction


async def hold(
    prescription: Prescription, reason: str, violations: Sequence[Violation], tx: Transaction
) -> None:
    """Stop before the signature until somebody has corrected what is wrong.

    The reason is for everybody to read; the violations are sealed, because they may quote.
    """
    await _give_back(prescription, State.NEEDS_CORRECTION, reason, violations, tx)
    tx.publish(
        PrescriptionHeld(
            patient_id=prescription.patient_id,
            prescription_id=prescription.prescription_id,
            reason=reason,
            held_at=tx.now,
        )
    )


async def refuse(
    prescription: Prescription, reason: str, violations: Sequence[Violation], tx: Transaction
) -> None:
    """End a prescription."""
    await _give_back(prescription, State.REFUSED, reason, violations, tx)
    tx.publish(
        PrescriptionRefused(
            patient_id=prescription.patient_id,
            prescription_id=prescription.prescription_id,
            reason=reason,
            refused_at=tx.now,
        )
    )


async def _give_back(
    prescription: Prescription,
    to: State,
    reason: str,
    violations: Sequence[Violation],
    tx: Transaction,
) -> None:
    sealed = prescriptions.seal_violations(tx, prescription.prescription_id, violations)
    await prescriptions.move(tx, prescription, to, reason=reason, violations=sealed)
    await signings.supersede_undecided(tx, prescription.prescription_id)
    for key in keys.all_of(prescription.prescription_id):
        tx.cancel(key)
