"""The waiting list as it is asked for and answered."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Diagnoses, StartsAt
from services.scheduling.rules.series.waitlist import OfferState, WishState
from shared.events import Moment
from shared.events.scheduling import TypeCode

MAX_WINDOWS = 30


class WindowWish(Wish):
    """A visit begins and ends between these two moments."""

    since: Annotated[StartsAt, Field(alias="from")]
    until: StartsAt


class JoinWaitlist(Wish):
    """`appointment_id` is the booked visit that would move; left out, an infusion is missing.

    A treatment that is not booked yet has who orders it, and for what.
    """

    patient_id: UUID
    location_id: UUID
    visit_type: TypeCode
    appointment_id: UUID | None = None
    ordered_by: UUID | None = None
    diagnoses: Annotated[Diagnoses, Field(default_factory=list)]
    windows: Annotated[list[WindowWish], Field(min_length=1, max_length=MAX_WINDOWS)]

    @property
    def is_ordered(self) -> bool:
        return self.ordered_by is not None or bool(self.diagnoses)


class WindowAnswer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    since: Annotated[Moment, Field(alias="from")]
    until: Moment


class WaitingAnswer(BaseModel):
    wish_id: UUID
    patient_id: UUID
    location_id: UUID
    visit_type: TypeCode
    appointment_id: UUID | None
    ordered_by: UUID | None
    windows: list[WindowAnswer]
    state: WishState
    made_at: Moment


class OfferAnswer(BaseModel):
    """A freed chair, offered until `expires_at`. Others may have the same offer."""

    offer_id: UUID
    wish_id: UUID
    patient_id: UUID
    location_id: UUID
    chair_id: UUID
    visit_type: TypeCode
    starts_at: Moment
    ends_at: Moment
    offered_at: Moment
    expires_at: Moment
    state: OfferState


class Answer(Wish):
    """The patient's word, accepted or declined by the route: `{}`."""
