"""Patients. What they entrust is sealed here and opened here."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Select, Table, func, literal, select, text, update
from sqlmodel import col

from services.scheduling.rules.patients.intake import Concern, person_of
from services.scheduling.rules.patients.screening import Screening
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Patient
from shared.claims import PatientCard
from shared.messaging import Transaction

PATIENTS: Table = Patient.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_PATIENT = (PATIENTS.c.patient_id,)

PERSON = "one person is on file once"
"""What fingerprints in `patients.person` are for."""

ALIKE_MAX = 3
"""A technical bound: so many are named; who looks like more is looked up at the desk."""

PERSON_LOCK_SPACE = 7_041_004


def add_patient(tx: Transaction, card: PatientCard, concerns: Sequence[Concern]) -> None:
    """A patient whom nobody has screened: held where intake knows a concern, else unknown."""
    tx.insert(
        Patient,
        patient_id=card.patient_id,
        card=_sealed_card(tx, card),
        person=_fingerprints(tx, card)[0],
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
        .values(card=_sealed_card(tx, card), person=_fingerprints(tx, card)[0])
    )


async def lock_person(tx: Transaction, card: PatientCard) -> None:
    """Nobody else who looks the same is put on file, or corrected to be, until the commit."""
    oldest = _fingerprints(tx, card)[-1]
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:space AS integer), CAST(:person AS integer))"),
        {"space": PERSON_LOCK_SPACE, "person": zlib.crc32(oldest) >> 1},
    )


async def look_alikes(tx: Transaction, card: PatientCard) -> list[UUID]:
    """Who else is on file of the same name and birth date, the first registered first."""
    rows = select(col(Patient.patient_id)).where(
        col(Patient.person).in_(_fingerprints(tx, card)),
        col(Patient.patient_id) != card.patient_id,
        col(Patient.merged_into).is_(None),
    )
    by_age = col(Patient.registered_at), col(Patient.patient_id)
    return list((await tx.execute(rows.order_by(*by_age).limit(ALIKE_MAX))).scalars())


async def without_fingerprint(tx: Transaction, limit: int) -> list[Patient]:
    """Patients who have none yet, or one by an older key."""
    newest = func.substr(col(Patient.person), 1, len(tx.vault.mark))
    older = newest.is_distinct_from(literal(tx.vault.mark, LargeBinary))
    rows = select(Patient).where(older).order_by(col(Patient.patient_id)).limit(limit)
    return await every(tx, rows.with_for_update(skip_locked=True), Patient)


async def keep_fingerprint(tx: Transaction, patient: Patient) -> None:
    """Note what stands for a person, by the newest key."""
    person = _fingerprints(tx, patient_card(tx, patient))[0]
    changed = update(Patient).where(col(Patient.patient_id) == patient.patient_id)
    await tx.execute(changed.values(person=person))


def _fingerprints(tx: Transaction, card: PatientCard) -> list[bytes]:
    return tx.vault.fingerprints(person_of(card), purpose=PERSON)


def _sealed_card(tx: Transaction, card: PatientCard) -> bytes:
    return seal(tx, card.model_dump(mode="json"), "patients", "card", card.patient_id)
