"""When a drip really ended, as it is asked for and answered."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import StartsAt, Text
from shared.events import Moment


class CompleteInfusion(Wish):
    """`ended_at`: when the drip ran out, where it is written up later; now unless it is said."""

    ended_at: StartsAt | None = None


class AbortInfusion(CompleteInfusion):
    reason: Text


class CorrectEnd(Wish):
    """When the drip really ended, or null where it has not; signed by `clinician_id`."""

    clinician_id: UUID
    ended_at: StartsAt | None
    reason: Text


class EndCorrectionAnswer(BaseModel):
    """What was on record before a correction, and after it: null is a drip that goes on."""

    correction_id: UUID
    ended_at_before: Moment
    ended_at: Moment | None
    clinician_id: UUID
    signed_at: Moment
    signed_by: str
    reason: str


class ExtendBan(Wish):
    """When the drip of a patient who has gone really ended. Signed by `clinician_id`."""

    ended_at: StartsAt
    clinician_id: UUID
    reason: Text
