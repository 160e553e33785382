"""What staff ask for of a treatment outside a series."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Diagnoses, Text, VisitStart
from shared.events.scheduling import TypeCode


class SignSooner(Wish):
    """A prescriber's word that a treatment is given sooner than its gap, and why."""

    clinician_id: UUID
    reason: Text


class BookTreatment(Wish):
    """One visit in a chair, who ordered it and for what."""

    location_id: UUID
    chair_id: UUID
    visit_type: TypeCode
    starts_at: VisitStart
    ordered_by: UUID
    diagnoses: Annotated[Diagnoses, Field(min_length=1)]
    sooner: SignSooner | None = None
