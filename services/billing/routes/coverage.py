"""Who else may have to pay: patients' answers, signed papers, clinicians' standing."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.charges import coverage
from services.billing.handlers.charges.coverage import (
    CoverageAnswers,
    CoverageRecorded,
    CoverageShown,
    NewPaper,
    NewStanding,
    PaperRecorded,
    StandingRecorded,
    Unasked,
)
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/patients/{patient_id}/coverage", dependencies=DESK)
async def record_coverage(
    patient_id: UUID, wish: CoverageAnswers, desk: AtDesk
) -> CoverageRecorded:
    """Record what a patient answered about coverage, from a day on."""
    return await desk.decide(coverage.record_coverage, patient_id, wish, desk.actor.subject)


@router.get("/patients/{patient_id}/coverage", dependencies=DESK)
async def show_coverage(patient_id: UUID, desk: AtDesk) -> CoverageShown:
    """A patient's answers that count today, and the papers on file."""
    return await desk.read(coverage.show_coverage, patient_id, purpose="payment")


@router.get("/coverage/unasked", dependencies=DESK)
async def list_unasked(desk: AtDesk, asked: AskedPage) -> Page[Unasked]:
    """Patients whom nobody has asked about coverage yet."""
    return await desk.read(coverage.list_unasked, asked, purpose="payment")


@router.post("/patients/{patient_id}/coverage-papers", dependencies=DESK)
async def record_paper(patient_id: UUID, wish: NewPaper, desk: AtDesk) -> PaperRecorded:
    """Record a private contract or an advance notice by its document's id."""
    return await desk.decide(coverage.record_paper, patient_id, wish, desk.actor.subject)


@router.post(
    "/clinicians/{clinician_id}/medicare-standings", dependencies=[allow(Role.OPS, Role.BILLER)]
)
async def record_standing(clinician_id: UUID, wish: NewStanding, desk: AtDesk) -> StandingRecorded:
    """Record how a clinician stands with Medicare, from a day on."""
    return await desk.decide(coverage.record_standing, clinician_id, wish, desk.actor.subject)
