"""What is known of a patient before anything is infused, and who may sign what."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.scheduling.forms.answers import PatientAnswer
from services.scheduling.forms.screening import RecordClearance, RecordScreening, ScreeningFile
from services.scheduling.forms.signing import SigningRuleAnswer, SigningRuleWish
from services.scheduling.handlers import signers
from services.scheduling.handlers.patients import screening
from shared.auth import Role, allow
from shared.http.desk import AtDesk

OPS, NURSE, PRESCRIBER = Role.OPS, Role.NURSE, Role.PRESCRIBER

router = APIRouter(tags=["screening"])


@router.post("/patients/{patient_id}/screenings", dependencies=[allow(NURSE, PRESCRIBER)])
async def record_screening(patient_id: UUID, wish: RecordScreening, desk: AtDesk) -> PatientAnswer:
    """Note what screening found, or until when it found nothing."""
    return await desk.decide(screening.record_screening, patient_id, wish, desk.actor)


@router.post("/patients/{patient_id}/clearance", dependencies=[allow(PRESCRIBER, NURSE)])
async def record_clearance(patient_id: UUID, wish: RecordClearance, desk: AtDesk) -> PatientAnswer:
    """Clear a patient who is held, until a day."""
    return await desk.decide(screening.record_clearance, patient_id, wish, desk.actor)


@router.get("/patients/{patient_id}/screening", dependencies=[allow(NURSE, PRESCRIBER)])
async def read_screening(patient_id: UUID, desk: AtDesk) -> ScreeningFile:
    """What is known of a patient, and all that was signed."""
    return await desk.read(screening.read_screening, patient_id, purpose="treatment")


@router.post("/signing-rules", dependencies=[allow(PRESCRIBER)])
async def record_signing_rule(wish: SigningRuleWish, desk: AtDesk) -> SigningRuleAnswer:
    """Sign what one act asks of its signer, from a day on, with its source."""
    return await desk.decide(signers.record_signing_rule, wish, desk.actor)


@router.get("/signing-rules", dependencies=[allow(OPS, NURSE, PRESCRIBER)])
async def read_signing_rules(desk: AtDesk) -> list[SigningRuleAnswer]:
    """Who may sign what, by act and first day."""
    return await desk.read(signers.read_signing_rules)
