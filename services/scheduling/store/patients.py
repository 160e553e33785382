"""Patients. What they entrust is sealed here and opened here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select, update
from sqlmodel import col

from services.scheduling.rules.patients.intake import Concern
from services.scheduling.rules.patients.screening import Screening
from services.scheduling.store.rows import one, seal, unseal
from services.scheduling.tables import Patient
from shared.claims import PatientCard
from shared.messaging import Transaction

PATIENTS: Table = Patient.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_PATIENT = (PATIENTS.c.patient_id,)


def add_patient(tx: Transaction, card: PatientCard, concerns: Sequence[Concern]) -> None:
    """A patient whom nobody has screened: held where intake knows a concern, else unknown."""
    tx.insert(
        Patient,
        patient_id=card.patient_id,
        card=_sealed_card(tx, card),
        concerns=seal_concerns(tx, concerns, card.patient_id),
        screening=Screening.CONCERN if concerns else Screening.NOT_SCREENED,
        screened_until=None,
        registered_at=tx.now,
    )


def seal_concerns(tx: Transaction, concerns: Sequence[Concern], patient_id: UUID) -> bytes:
    return seal(tx, {"concerns": concerns}, "patients", "concerns", patient_id)


async def find_patient(tx: Transaction, patient_id: UUID) -> Patient | None:
    rows = select(Patient).where(col(Patient.patient_id) == patient_id)
    return await one(tx, rows, Patient)


def patients_among(patient_ids: Collection[UUID]) -> Select[Any]:
    """Those of these who are on file, to be shown a page at a time."""
    return select(Patient).where(col(Patient.patient_id).in_(patient_ids))


async def lock_patient(tx: Transaction, patient_id: UUID) -> Patient | None:
    """A patient, held until the commit: nobody else changes this patient's course meanwhile."""
    rows = select(Patient).where(col(Patient.patient_id) == patient_id)
    return await one(tx, rows.with_for_update(key_share=True), Patient)


def patient_card(tx: Transaction, patient: Patient) -> PatientCard:
    return PatientCard.model_validate(
        unseal(tx, patient.card, "patients", "card", patient.patient_id)
    )


def concerns_of(tx: Transaction, patient: Patient) -> list[Concern]:
    opened = unseal(tx, patient.concerns, "patients", "concerns", patient.patient_id)
    return [Concern(concern) for concern in opened["concerns"]]


async def change_card(tx: Transaction, card: PatientCard) -> None:
    await tx.execute(
        update(Patient)
        .where(col(Patient.patient_id) == card.patient_id)
        .values(card=_sealed_card(tx, card))
    )


def _sealed_card(tx: Transaction, card: PatientCard) -> bytes:
    return seal(tx, card.model_dump(mode="json"), "patients", "card", card.patient_id)
