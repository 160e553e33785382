"""Intake, contact details, clearance."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.answers import PatientAnswer
from services.scheduling.forms.wishes import RecordClearance, RegisterPatient, UpdatePatient
from services.scheduling.rules import patients as rules
from shared.claims import PatientCard
from shared.events.scheduling import PatientCleared, PatientHeld, PatientRegistered, PatientUpdated
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import unknown


async def register_patient(wish: RegisterPatient, tx: Transaction) -> PatientAnswer | Refused:
    """Put a patient on file, held where screening found a concern."""
    broken = rules.broken_by_birth_date(wish.birth_date, tx.now.date())
    if broken:
        return Refused.by_rules(broken, "The patient is not registered")
    patient_id = new_id()
    card = PatientCard(patient_id=patient_id, **wish.model_dump(exclude={"concerns"}))
    concerns = sorted(set(wish.concerns))
    held = rules.needs_clearance(concerns)
    store.add_patient(tx, card, concerns, held=held)
    tx.publish(PatientRegistered(patient_id=patient_id, registered_at=tx.now))
    if held:
        tx.publish(PatientHeld(patient_id=patient_id, held_at=tx.now))
    return PatientAnswer(patient_id=patient_id, held=held)


async def update_patient(
    patient_id: UUID, wish: UpdatePatient, tx: Transaction
) -> PatientAnswer | Refused:
    """Change contact details. Copies elsewhere are refreshed only when something did change."""
    patient = await store.lock_patient(tx, patient_id)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    before = store.patient_card(tx, patient)
    after = PatientCard.model_validate(before.model_dump(mode="json") | wish.changes())
    broken = rules.broken_by_birth_date(after.birth_date, tx.now.date())
    if broken:
        return Refused.by_rules(broken, "The patient is not changed")
    if after != before:
        await store.change_card(tx, after)
        tx.publish(PatientUpdated(patient_id=patient_id, updated_at=tx.now))
    return PatientAnswer(patient_id=patient_id, held=patient.held)


async def record_clearance(
    patient_id: UUID, wish: RecordClearance, tx: Transaction
) -> PatientAnswer | Refused:
    """End a hold, by the word of a clinician."""
    patient = await store.lock_patient(tx, patient_id)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    broken = rules.broken_by_clearance(held=patient.held)
    if await store.find_clinician(tx, wish.clinician_id) is None:
        broken.append(unknown("clinician", "clinician_id"))
    if broken:
        return Refused.by_rules(broken, "The clearance is not recorded")
    await store.record_clearance(tx, patient_id, wish.clinician_id, wish.note)
    tx.publish(PatientCleared(patient_id=patient_id, cleared_at=tx.now))
    return PatientAnswer(patient_id=patient_id, held=False)
