"""People of a file who are on file here: looked at, and noted by the ids that they have there."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.imports import ImportedPatient
from services.scheduling.rules.imports import same_people as rules
from services.scheduling.rules.imports.same_people import OnFile
from services.scheduling.rules.patients.intake import person_of
from services.scheduling.store import imports as kept
from services.scheduling.tables import Patient
from services.scheduling.tables.imports import ImportRow
from shared.messaging import Transaction
from shared.refusals import Broken


async def broken_by_patient(
    row: ImportedPatient, known_as: UUID | None, tx: Transaction
) -> list[Broken]:
    """Whether a row's person is the patient that it is said to be."""
    assert row.is_patient is not None, "who is new is judged by intake"
    patient = await store.find_patient(tx, row.is_patient)
    found = None if patient is None else _on_file(row, patient, tx)
    return rules.broken_by_link(row.is_patient, found, known_as, "source_id")


def _on_file(row: ImportedPatient, patient: Patient, tx: Transaction) -> OnFile:
    alike = person_of(store.patient_card(tx, patient)) == row.person
    return OnFile(patient.merged_into, alike)


async def broken_by_visitor(
    patient_id: UUID, known_as: UUID | None, tx: Transaction
) -> list[Broken]:
    """The same of a visit's patient, of whom its row says an id only."""
    patient = await store.find_patient(tx, patient_id)
    found = None if patient is None else OnFile(patient.merged_into, None)
    return rules.broken_by_link(patient_id, found, known_as, "patient_source_id")


async def link(row: ImportRow, said: ImportedPatient, tx: Transaction) -> list[Broken]:
    """Note by which id another system knows a patient; what is on file here stays as it is."""
    assert said.is_patient is not None, "who is new is registered"
    assert row.source_key is not None, "a row that was read has its key"
    await store.lock_patient(tx, said.is_patient)
    broken = await broken_by_patient(said, None, tx)
    if not broken:
        kept.note_imported(tx, row.source_key, said.is_patient)
        await kept.change_row(tx, row, state="applied")
    return broken
