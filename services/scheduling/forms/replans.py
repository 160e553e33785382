"""What is asked for and answered about re-plans."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.preferences import PreferencesWish
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import VisitStart
from services.scheduling.handlers.series.plans import Reason
from services.scheduling.rules.replans.smallest import Fate
from shared.events import Moment
from shared.events.scheduling import CancelReason


class MoveOne(Wish):
    """One infusion moves; those after it are re-planned."""

    kind: Literal["move"]
    appointment_id: UUID
    starts_at: VisitStart
    chair_id: UUID | None = None


class CancelOne(Wish):
    """One infusion is cancelled or was missed; those after it are re-planned."""

    kind: Literal["cancel"]
    appointment_id: UUID
    reason: Literal[CancelReason.PATIENT_ASKED, CancelReason.CLINIC_ASKED, CancelReason.NO_SHOW]


Change = Annotated[MoveOne | CancelOne, Field(discriminator="kind")]


class ProposeReplan(Wish):
    """Without a change, what is left is re-planned as the series stands, as after a send-home.

    `preferences` are for what moves or is added; what stays was agreed.
    """

    change: Change | None = None
    preferences: PreferencesWish = PreferencesWish()


class ReplannedVisit(BaseModel):
    """One line of the diff.

    `shift_min` counts a day as 1440 minutes, and on a day what the wall's clock shows.
    `ride_kept`: a ride home is recorded and its time holds. `appointment_id` is null for one that
    is added. `leaves` is what of the preferences it does not keep, empty where it keeps them all.
    """

    fate: Fate
    appointment_id: UUID | None
    sequence_no: int | None
    chair_id: UUID
    previous_starts_at: Moment | None
    starts_at: Moment
    local: str
    shift_min: int
    ride_kept: bool
    why: str
    leaves: str = ""


class ReplanAnswer(BaseModel):
    """A proposal: `change` first, then `visits`. Nothing is changed or held until it is approved.

    `missing` is how many infusions the series would still lack.
    """

    replan_id: UUID
    series_id: UUID
    patient_id: UUID
    change: Change | None
    visits: list[ReplannedVisit]
    missing: int
    points: int
    why: list[Reason]
    advice: list[str]
    proposed_at: Moment
    expires_at: Moment


class ApproveReplan(Wish):
    """The word to apply it: `{}`."""
