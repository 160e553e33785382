"""What a single treatment or session is for, put right."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Diagnoses, Text
from shared.events import Moment


class CorrectVisit(Wish):
    """The diagnoses as they are right, the main one first. Signed by `clinician_id`."""

    clinician_id: UUID
    diagnoses: Annotated[Diagnoses, Field(min_length=1)]
    reason: Text


class VisitCorrectionAnswer(BaseModel):
    """What stood there before a correction, and after it."""

    correction_id: UUID
    appointment_id: UUID
    patient_id: UUID
    diagnoses_before: list[str]
    diagnoses: list[str]
    clinician_id: UUID
    signed_at: Moment
    signed_by: str
    reason: str
