"""Screening and clearance, as they are asked for and answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.figures import Day
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Text
from services.scheduling.rules.patients.intake import Concern
from services.scheduling.rules.patients.screening import Screening
from shared.events import Moment

Concerns = Annotated[list[Concern], Field(max_length=len(Concern))]


class RecordScreening(Wish):
    """`concerns` is what was found. Where nothing was, `valid_until` is the last day it holds."""

    clinician_id: UUID
    concerns: Concerns
    valid_until: Day | None = None


class RecordClearance(Wish):
    """`note` is what it rests on, `valid_until` the last day on which it holds."""

    clinician_id: UUID
    note: Text
    valid_until: Day


class ScreeningAnswer(BaseModel):
    """One screening; without a clinician it is what the desk noted at intake, or a file brought.

    `denied` is what the patient was asked about there and said no to.
    """

    screening_id: UUID
    patient_id: UUID
    clinician_id: UUID | None
    concerns: list[Concern]
    denied: list[Concern]
    valid_until: date | None
    screened_at: Moment
    recorded_by: str | None


class ClearanceAnswer(BaseModel):
    clearance_id: UUID
    patient_id: UUID
    clinician_id: UUID
    note: str
    valid_until: date
    cleared_at: Moment
    signed_by: str


class ScreeningFile(BaseModel):
    """What is known of a patient, and all that was signed, the newest first."""

    patient_id: UUID
    held: bool
    screening: Screening
    screened_until: date | None
    screenings: list[ScreeningAnswer]
    clearances: list[ClearanceAnswer]
