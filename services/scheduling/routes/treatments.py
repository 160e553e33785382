"""Treatments outside a series, as staff book them. What follows are the routes of every visit."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.treatments import BookTreatment
from services.scheduling.forms.visit_corrections import CorrectVisit, VisitCorrectionAnswer
from services.scheduling.handlers.visits import corrections, treatments
from shared.auth import Role, allow
from shared.http.desk import AtDesk

router = APIRouter(tags=["treatments"])


@router.post(
    "/patients/{patient_id}/treatments", dependencies=[allow(Role.FRONT_DESK, Role.PRESCRIBER)]
)
async def arrange_treatment(
    patient_id: UUID, wish: BookTreatment, desk: AtDesk
) -> AppointmentAnswer:
    """Book a maintenance infusion, or another treatment in a chair, by itself.

    Given sooner than its gap, it has a prescriber's signed word.
    """
    return await desk.decide(treatments.book_treatment, patient_id, wish, desk.actor)


@router.post(
    "/appointments/{appointment_id}/corrections", dependencies=[allow(Role.NURSE, Role.PRESCRIBER)]
)
async def correct_visit(
    appointment_id: UUID, wish: CorrectVisit, desk: AtDesk
) -> VisitCorrectionAnswer:
    """Correct what a treatment is given for, or a session was held for, signed."""
    return await desk.decide(corrections.correct_visit, appointment_id, wish, desk.actor)


@router.get(
    "/appointments/{appointment_id}/corrections", dependencies=[allow(Role.NURSE, Role.PRESCRIBER)]
)
async def list_visit_corrections(appointment_id: UUID, desk: AtDesk) -> list[VisitCorrectionAnswer]:
    """What stood on record of such a visit before each correction, the earliest first."""
    return await desk.read(corrections.list_corrections, appointment_id, purpose="treatment")
