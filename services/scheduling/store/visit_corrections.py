"""Corrections of single visits. Diagnoses and reasons are sealed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from services.scheduling.store.rows import every, seal, unseal
from services.scheduling.store.visits import change_visit, diagnoses_of_visit, seal_diagnoses
from services.scheduling.tables import Appointment
from services.scheduling.tables.visit_corrections import VisitCorrection
from shared.ids import new_id
from shared.messaging import Transaction


async def add_correction(
    tx: Transaction,
    visit: Appointment,
    diagnoses: Sequence[str],
    clinician_id: UUID,
    by: str,
    reason: str,
) -> VisitCorrection:
    """Keep what stood there, and have the visit say what is right."""
    correction_id = new_id()
    codes = {"diagnoses_before": diagnoses_of_visit(tx, visit), "diagnoses": list(diagnoses)}
    row = VisitCorrection(
        correction_id=correction_id,
        appointment_id=visit.appointment_id,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        corrected=seal(
            tx, {**codes, "reason": reason}, "visit_corrections", "corrected", correction_id
        ),
    )
    tx.insert(VisitCorrection, **row.model_dump())
    sealed = seal_diagnoses(tx, visit.appointment_id, list(diagnoses))
    await change_visit(tx, visit, diagnoses=sealed)
    return row


async def corrections_of(tx: Transaction, appointment_id: UUID) -> list[VisitCorrection]:
    """All of a visit, the earliest first."""
    rows = select(VisitCorrection).where(col(VisitCorrection.appointment_id) == appointment_id)
    order = col(VisitCorrection.signed_at), col(VisitCorrection.correction_id)
    return await every(tx, rows.order_by(*order), VisitCorrection)


def corrected_of(tx: Transaction, row: VisitCorrection) -> dict[str, Any]:
    """`diagnoses_before`, `diagnoses` and the `reason`."""
    return unseal(tx, row.corrected, "visit_corrections", "corrected", row.correction_id)
