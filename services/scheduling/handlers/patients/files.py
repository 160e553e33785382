"""A patient's file, held until the commit: for whatever is done under it, if it is open."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.rules.patients.merging import broken_by_closed
from services.scheduling.tables import Patient
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def lock_file(tx: Transaction, patient_id: UUID) -> Patient | Refused:
    """The file, or why nothing is done under it: there is none, or it was merged into another."""
    patient = await store.lock_patient(tx, patient_id)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    closed = broken_by_closed(patient.merged_into)
    return Refused.by_rules(closed, "The file is closed") if closed else patient


def broken_by_file(patient: Patient | None) -> list[Broken]:
    """The same, for who names all that is wrong at once."""
    if patient is None:
        return [unknown("patient", "patient_id")]
    return broken_by_closed(patient.merged_into)
