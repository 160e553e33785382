"""Screenings and clearances. What was found, and what a clearance rests on, is sealed here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from services.scheduling.rules.patients.intake import Concern
from services.scheduling.rules.patients.screening import Screened, Screening
from services.scheduling.store.patients import seal_concerns
from services.scheduling.store.rows import every, seal, unseal
from services.scheduling.tables import Clearance, Patient, ScreeningRow
from shared.auth import Actor
from shared.ids import new_id
from shared.messaging import Transaction


def screened_of(patient: Patient) -> Screened:
    return Screened(Screening(patient.screening), patient.screened_until)


def add_screening(
    tx: Transaction,
    patient_id: UUID,
    concerns: Sequence[Concern],
    denied: Sequence[Concern] = (),
    *,
    clinician_id: UUID | None,
    by: Actor | None,
    until: date | None,
) -> ScreeningRow:
    screening_id = new_id()
    row = ScreeningRow(
        screening_id=screening_id,
        patient_id=patient_id,
        clinician_id=clinician_id,
        found=seal(
            tx,
            {"concerns": concerns, "denied": sorted(denied)},
            "screenings",
            "found",
            screening_id,
        ),
        valid_until=until,
        screened_at=tx.now,
        recorded_by=None if by is None else by.subject,
    )
    tx.insert(ScreeningRow, **row.model_dump())
    return row


def found_by(tx: Transaction, row: ScreeningRow) -> dict[str, list[Concern]]:
    """What was found, and what was asked about and denied."""
    opened = unseal(tx, row.found, "screenings", "found", row.screening_id)
    return {
        name: [Concern(each) for each in opened.get(name, ())] for name in ("concerns", "denied")
    }


async def set_concerns(
    tx: Transaction, patient_id: UUID, concerns: Sequence[Concern], until: date | None
) -> None:
    """What a screening makes of a patient."""
    state = Screening.CONCERN if concerns else Screening.CLEAR
    found = seal_concerns(tx, concerns, patient_id)
    await _change(tx, patient_id, screening=state, screened_until=until, concerns=found)


async def add_clearance(
    tx: Transaction, patient_id: UUID, clinician_id: UUID, by: Actor, note: str, until: date
) -> None:
    """Keep a clearance; the hold ends until its last day."""
    clearance_id = new_id()
    tx.insert(
        Clearance,
        clearance_id=clearance_id,
        patient_id=patient_id,
        clinician_id=clinician_id,
        note=seal(tx, {"note": note}, "clearances", "note", clearance_id),
        valid_until=until,
        cleared_at=tx.now,
        signed_by=by.subject,
    )
    await _change(tx, patient_id, screening=Screening.CLEARED, screened_until=until)


async def _change(tx: Transaction, patient_id: UUID, **values: object) -> None:
    changed = update(Patient).where(col(Patient.patient_id) == patient_id)
    await tx.execute(changed.values(**values))


def note_of(tx: Transaction, clearance: Clearance) -> str:
    opened = unseal(tx, clearance.note, "clearances", "note", clearance.clearance_id)
    return str(opened["note"])


async def screenings_of(tx: Transaction, patient_id: UUID) -> list[ScreeningRow]:
    """The newest first."""
    rows = select(ScreeningRow).where(col(ScreeningRow.patient_id) == patient_id)
    order = col(ScreeningRow.screened_at).desc(), col(ScreeningRow.screening_id).desc()
    return await every(tx, rows.order_by(*order), ScreeningRow)


async def clearances_of(tx: Transaction, patient_id: UUID) -> list[Clearance]:
    """The newest first."""
    rows = select(Clearance).where(col(Clearance.patient_id) == patient_id)
    order = col(Clearance.cleared_at).desc(), col(Clearance.clearance_id).desc()
    return await every(tx, rows.order_by(*order), Clearance)
