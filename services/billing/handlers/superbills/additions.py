"""What superbills say besides what scheduling knows, as staff record it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from services.billing.rules.superbills import additions as rules
from services.billing.rules.superbills.additions import (
    NamedProvider,
    OfClinic,
    OfClinician,
    OfPatient,
    Sex,
)
from services.billing.store import superbill_additions as store
from services.billing.store.superbill_additions import About
from shared.claims import Email, Line, Npi
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.written import told

Taxonomy = Annotated[
    str,
    StringConstraints(pattern=told(r"^[0-9]{3}[A-Z0-9]{6}X$", "ten characters such as 207L00000X")),
]
"""NUCC's code of a kind of provider."""

State = Annotated[
    str, StringConstraints(pattern=told(r"^[A-Z]{2}$", "two capital letters, such as VA"))
]


class Provider(BaseModel):
    name: Line
    npi: Npi


class PatientAdditions(BaseModel):
    """Of a patient, as the insurer wants it. Without `tells_diagnoses` only codes are printed."""

    sex: Sex | None = None
    referrer: Provider | None = None
    tells_diagnoses: bool = True


class ClinicianAdditions(BaseModel):
    """`supervising` is another person than the clinician, where there is one."""

    taxonomy: Taxonomy | None = None
    license_state: State | None = None
    supervising: Provider | None = None


class ClinicAdditions(BaseModel):
    email: Email | None = None


class PatientAdded(PatientAdditions):
    patient_id: UUID


class ClinicianAdded(ClinicianAdditions):
    clinician_id: UUID


class ClinicAdded(ClinicAdditions):
    location_id: UUID


async def add_for_patient(
    patient_id: UUID, wish: PatientAdditions, by: str, tx: Transaction
) -> PatientAdded | Refused:
    """Superbills to come say this; those that are issued stay as they are."""
    referrer = _named(wish.referrer)
    if broken := rules.broken_by_providers([("referrer", referrer)]):
        return Refused.by_rules(broken)
    said = OfPatient(wish.sex, referrer, wish.tells_diagnoses)
    store.add(tx, About.PATIENT, patient_id, said, by)
    return PatientAdded(patient_id=patient_id, **wish.model_dump())


async def add_for_clinician(
    clinician_id: UUID, wish: ClinicianAdditions, by: str, tx: Transaction
) -> ClinicianAdded | Refused:
    supervising = _named(wish.supervising)
    if broken := rules.broken_by_providers([("supervising", supervising)]):
        return Refused.by_rules(broken)
    said = OfClinician(wish.taxonomy, wish.license_state, supervising)
    store.add(tx, About.CLINICIAN, clinician_id, said, by)
    return ClinicianAdded(clinician_id=clinician_id, **wish.model_dump())


async def add_for_clinic(
    location_id: UUID, wish: ClinicAdditions, by: str, tx: Transaction
) -> ClinicAdded:
    store.add(tx, About.CLINIC, location_id, OfClinic(wish.email), by)
    return ClinicAdded(location_id=location_id, **wish.model_dump())


async def show_patients(patient_id: UUID, tx: Transaction) -> PatientAdded:
    said: OfPatient = await store.of_one(tx, About.PATIENT, patient_id)
    referrer = said.referrer and Provider(name=said.referrer.name, npi=said.referrer.npi)
    return PatientAdded(
        patient_id=patient_id,
        sex=said.sex,
        referrer=referrer,
        tells_diagnoses=said.tells_diagnoses,
    )


def _named(one: Provider | None) -> NamedProvider | None:
    return None if one is None else NamedProvider(one.name, one.npi)
