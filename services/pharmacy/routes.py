"""Pharmacy's HTTP API. Who may call what is declared here, what happens is decided in handlers."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.pharmacy.handlers import drafting, listing
from services.pharmacy.handlers.listing import PrescriptionShown, PrescriptionWhole, SigningLink
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(prefix="/prescriptions", tags=["prescriptions"])

_STAFF = [allow(Role.PRESCRIBER, Role.PHARMACY_LIAISON)]


@router.get("", dependencies=_STAFF)
async def list_prescriptions(
    patient_id: UUID, desk: AtDesk, asked: AskedPage
) -> Page[PrescriptionShown]:
    """A patient's prescriptions and how far they are."""
    return await desk.read(listing.list_prescriptions, patient_id, asked, patient_id=patient_id)


@router.get("/{prescription_id}", dependencies=_STAFF)
async def read_prescription(prescription_id: UUID, desk: AtDesk) -> PrescriptionWhole:
    """A prescription with its drug, its sig and its history."""
    return await desk.read(listing.read_prescription, prescription_id)


@router.post("/{prescription_id}/retry", status_code=202, dependencies=_STAFF)
async def take_up_again(prescription_id: UUID, desk: AtDesk) -> PrescriptionShown:
    """Read and check what was corrected. `GET` tells what came of it."""
    return await desk.decide(drafting.take_up_again, prescription_id)


@router.get("/{prescription_id}/signing-link", dependencies=[allow(Role.PRESCRIBER)])
async def read_signing_link(prescription_id: UUID, desk: AtDesk) -> SigningLink:
    """Where the prescriber signs, while the prescription awaits it."""
    return await desk.read(listing.read_signing_link, prescription_id)
