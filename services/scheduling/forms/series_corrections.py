"""What a series is given for, and by whose order, put right."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Diagnoses, Text
from shared.events import Moment


class CorrectSeries(Wish):
    """The `diagnoses`, the `prescriber_id`, or both, as they are right; what is left out stays.

    Signed by `clinician_id`.
    """

    clinician_id: UUID
    diagnoses: Annotated[Diagnoses, Field(min_length=1)] | None = None
    prescriber_id: UUID | None = None
    reason: Text


class SeriesCorrectionAnswer(BaseModel):
    """What stood there before a correction, and after it."""

    correction_id: UUID
    series_id: UUID
    patient_id: UUID
    diagnoses_before: list[str]
    diagnoses: list[str]
    prescriber_id_before: UUID
    prescriber_id: UUID
    clinician_id: UUID
    signed_at: Moment
    signed_by: str
    reason: str
