"""Treatments outside a series, as staff book them. What follows are the routes of every visit."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.treatments import BookTreatment
from services.scheduling.handlers.visits import treatments
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
