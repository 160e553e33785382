"""What staff ask for of a session."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Diagnoses, StartsAt, VisitStart
from shared.events.scheduling import TypeCode


class BookSession(Wish):
    """A conversation of one patient with the clinician who leads it."""

    location_id: UUID
    led_by: UUID
    visit_type: TypeCode
    starts_at: VisitStart


class AttendSession(Wish):
    """Who led a session, when it really was, and what it was held for."""

    clinician_id: UUID
    started_at: StartsAt
    ended_at: StartsAt
    diagnoses: Annotated[Diagnoses, Field(min_length=1)]
