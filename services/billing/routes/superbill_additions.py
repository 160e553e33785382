"""What superbills say besides what scheduling knows: what insurers ask for, and words."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.superbills import additions, wordings
from services.billing.handlers.superbills.additions import (
    ClinicAdded,
    ClinicAdditions,
    ClinicianAdded,
    ClinicianAdditions,
    PatientAdded,
    PatientAdditions,
)
from services.billing.handlers.superbills.wordings import (
    NewSuperbillWording,
    SuperbillWordingRecorded,
)
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk

OFFICE = [allow(Role.OPS, Role.BILLER)]

router = APIRouter(tags=["billing"])


@router.post("/patients/{patient_id}/superbill-additions", dependencies=DESK)
async def add_for_patient(patient_id: UUID, wish: PatientAdditions, desk: AtDesk) -> PatientAdded:
    """Have a patient's superbills say their sex, who referred them, or no diagnosis in words."""
    return await desk.decide(additions.add_for_patient, patient_id, wish, desk.actor.subject)


@router.get("/patients/{patient_id}/superbill-additions", dependencies=DESK)
async def show_patients(patient_id: UUID, desk: AtDesk) -> PatientAdded:
    """What a patient's superbills say besides."""
    return await desk.read(additions.show_patients, patient_id, purpose="payment")


@router.post("/clinicians/{clinician_id}/superbill-additions", dependencies=OFFICE)
async def add_for_clinician(
    clinician_id: UUID, wish: ClinicianAdditions, desk: AtDesk
) -> ClinicianAdded:
    """Have superbills say a clinician's taxonomy, state of license, or who supervises."""
    return await desk.decide(additions.add_for_clinician, clinician_id, wish, desk.actor.subject)


@router.post("/locations/{location_id}/superbill-additions", dependencies=OFFICE)
async def add_for_clinic(location_id: UUID, wish: ClinicAdditions, desk: AtDesk) -> ClinicAdded:
    """Have superbills say the e-mail of the clinic at a place."""
    return await desk.decide(additions.add_for_clinic, location_id, wish, desk.actor.subject)


@router.post("/superbill-wordings", dependencies=OFFICE)
async def record_superbill_wording(
    wish: NewSuperbillWording, desk: AtDesk
) -> SuperbillWordingRecorded:
    """Record what superbills say of themselves, from a day on."""
    return await desk.decide(wordings.record_wording, wish)
