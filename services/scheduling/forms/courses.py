"""What is asked for and answered about holds, and the house's own figures."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.figures import Day, Source
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import MAX_APPOINTMENTS, Diagnoses, WishedAppointment
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.series.holds import HoldState
from shared.events import Moment
from shared.events.scheduling import TypeCode


class HoldPlan(Wish):
    """A whole plan, first infusion to last, as `POST /plans` proposes it.

    `instead_of` is the patient's hold that it takes the place of.
    """

    patient_id: UUID
    location_id: UUID
    visit_type: TypeCode
    appointments: Annotated[list[WishedAppointment], Field(max_length=MAX_APPOINTMENTS)]
    instead_of: UUID | None = None


class BookHold(Wish):
    """What a booking needs beside the plan that is held."""

    prescriber_id: UUID
    diagnoses: Annotated[Diagnoses, Field(min_length=1)]


class HeldChair(BaseModel):
    chair_id: UUID
    starts_at: Moment
    ends_at: Moment


class HoldAnswer(BaseModel):
    """`appointments` is empty once the hold is over; `series_id` is what it became."""

    hold_id: UUID
    patient_id: UUID
    location_id: UUID
    visit_type: TypeCode
    state: HoldState
    held_at: Moment
    expires_at: Moment
    series_id: UUID | None
    appointments: list[HeldChair]


class HouseFigureWish(Wish):
    """A figure from a day on. `clinician_id` is the prescriber who signs one that is clinical."""

    figure: HouseFigure
    effective_from: Day
    value: Annotated[int, Field(ge=0, le=1_000_000)]
    source: Source
    clinician_id: UUID | None = None


class HouseFigureAnswer(HouseFigureWish):
    """A figure from a day on; the latest whose day has come is in force, in its last revision."""

    revision: int
    signed_by: str | None
