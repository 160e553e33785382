"""The clinic's figures as they are asked for and answered: visit types, protocols, places."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.scheduling.forms.wish import Wish
from services.scheduling.rules.visits.amounts import DoseUnit
from shared.claims import PRINTABLE, Line
from shared.events import Moment
from shared.events.scheduling import TypeCode
from shared.refusals import API_DOCUMENT, Malformed
from shared.written import A_DAY, LEGIBLE, told

T = TypeVar("T")

Day = Annotated[
    date,
    Field(
        ge=date(2000, 1, 1),
        lt=date(2200, 1, 1),
        json_schema_extra={"pattern": "^2[01]"},  # JSON Schema has no word for first and last days
    ),
    A_DAY,
]
Source = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=300, pattern=PRINTABLE),
    LEGIBLE,
]
Clock = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "a time of day such as 09:00")
    ),
]
"""What a clock on the wall shows; 24:00 ends a day."""

Minutes = Annotated[int, Field(ge=0, le=12 * 60)]
Count = Annotated[int, Field(ge=1, le=31)]
Years = Annotated[int, Field(ge=1, le=120)]
MAX_WINDOWS = 7 * 6


class Figure(Wish, Generic[T]):
    """A figure and where it comes from."""

    value: T
    source: Source


class FiguresWish(Wish):
    """Figures that change from a day on; what is left out stays as it is in force that day.

    `clinician_id` is the prescriber who signs those that are clinical.
    """

    effective_from: Day
    clinician_id: UUID | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.changed():
            raise Malformed("no_change", "Name at least one figure to change.", API_DOCUMENT)
        return self

    def changed(self) -> dict[str, Figure[Any]]:
        named = self.model_fields_set - {"effective_from", "clinician_id"}
        return {name: found for name in named if isinstance(found := getattr(self, name), Figure)}


class VisitFiguresWish(FiguresWish):
    name: Figure[Line] | None = None
    booked_min: Figure[Annotated[int, Field(ge=1, le=12 * 60)]] | None = None
    recovery_min: Figure[Minutes] | None = None
    fasting_min: Figure[Annotated[int, Field(ge=0, le=48 * 60)]] | None = None
    no_drive_min: Figure[Annotated[int, Field(ge=0, le=7 * 24 * 60)]] | None = None
    ride_needed: Figure[bool] | None = None
    chair_needed: Figure[bool] | None = None
    start_every_min: Figure[Annotated[int, Field(ge=1, le=240)]] | None = None
    drug: Figure[Line | None] | None = None
    route: Figure[Line | None] | None = None
    is_controlled: Figure[bool] | None = None
    gap_min_days: Figure[Count | None] | None = None
    least_age_years: Figure[Years | None] | None = None
    begins_in_ban: Figure[bool] | None = None
    room_needed: Figure[bool] | None = None
    dose_needed: Figure[bool] | None = None
    dose_unit: Figure[DoseUnit | None] | None = None
    vitals_needed: Figure[bool] | None = None
    orientation_needed: Figure[bool] | None = None


class AddVisitType(VisitFiguresWish):
    """A type that the clinic adds, like one that it has but for the figures that are named."""

    visit_type: TypeCode
    like: TypeCode
    name: Figure[Line]


class ProtocolWish(FiguresWish):
    size_min: Figure[Annotated[int, Field(ge=1, le=20)]] | None = None
    size_max: Figure[Annotated[int, Field(ge=1, le=20)]] | None = None
    gap_min_days: Figure[Count] | None = None
    gap_advised_days: Figure[Count] | None = None
    gap_max_days: Figure[Count] | None = None
    weekly_advised: Figure[Count | None] | None = None
    weekly_cap: Figure[Count | None] | None = None
    course_advised_weeks: Figure[Count | None] | None = None


class VisitFiguresAnswer(BaseModel):
    """The figures of a visit type from a day on, and for each its source.

    Of several that begin on one day the last `revision` counts. `clinician_id` is who signed what
    of it was clinical, if anything was.
    """

    visit_type: str
    effective_from: date
    name: str
    booked_min: int | None
    recovery_min: int
    fasting_min: int
    no_drive_min: int
    ride_needed: bool
    chair_needed: bool
    start_every_min: int
    drug: str | None
    route: str | None
    is_controlled: bool
    gap_min_days: int | None
    least_age_years: int | None
    begins_in_ban: bool
    room_needed: bool
    dose_needed: bool
    dose_unit: DoseUnit | None
    vitals_needed: bool
    orientation_needed: bool
    sources: dict[str, str]
    revision: int
    clinician_id: UUID | None
    signed_by: str | None


class ProtocolAnswer(BaseModel):
    """How a series of a visit type is given from a day on, and for each figure its source."""

    visit_type: str
    effective_from: date
    kind: str
    size_min: int
    size_max: int
    gap_min_days: int
    gap_advised_days: int
    gap_max_days: int
    weekly_advised: int | None
    weekly_cap: int | None
    course_advised_weeks: int | None
    sources: dict[str, str]
    revision: int
    clinician_id: UUID | None
    signed_by: str | None


class CatalogueEntry(VisitFiguresAnswer):
    """A visit type in force; `protocol` where it is given as a series."""

    protocol: ProtocolAnswer | None


def check_order(from_: str, until: str) -> None:
    """Raises `Malformed` where a part of a day does not end after it begins."""
    if from_ >= until:
        raise Malformed(
            "clock_order",
            "This ends before it begins; its until is later than its from, on the same day.",
            "the clock",
            "until",
        )


class WindowWish(Wish):
    """A part of a weekday, Monday being 1, by the clock on the wall."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    weekday: Annotated[int, Field(ge=1, le=7)]
    from_: Annotated[Clock, Field(alias="from")]
    until: Clock

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        check_order(self.from_, self.until)
        return self


class ShiftWish(WindowWish):
    nurses: Annotated[int, Field(ge=1, le=100)]


class OpeningHoursWish(Wish):
    """A whole week; a weekday that is not named is closed."""

    visit_type: Line
    effective_from: Day
    windows: Annotated[list[WindowWish], Field(max_length=MAX_WINDOWS)]
    source: Source


class TouchedVisit(BaseModel):
    """A visit where its place cannot give it: on a closed day, with no hours, nurse or chair.

    A session has no series. With `hold_id` it is part of a plan that is held, and no visit yet.
    """

    appointment_id: UUID
    series_id: UUID | None
    hold_id: UUID | None
    patient_id: UUID
    starts_at: Moment


class OpeningHoursAnswer(OpeningHoursWish):
    """`touches` are the visits that they leave outside, told when they are recorded."""

    hours_id: UUID
    location_id: UUID
    revision: int
    touches: tuple[TouchedVisit, ...] = ()


class RosterWish(Wish):
    """A whole week of nurses on duty; shifts that overlap add up."""

    effective_from: Day
    chairs_per_nurse: Annotated[int, Field(ge=1, le=50)]
    shifts: Annotated[list[ShiftWish], Field(max_length=MAX_WINDOWS)]
    source: Source


class RosterAnswer(RosterWish):
    """`touches` are the visits for which it leaves no nurse, told when it is recorded."""

    roster_id: UUID
    location_id: UUID
    revision: int
    touches: tuple[TouchedVisit, ...] = ()


class ClosureWish(Wish):
    """Whole local days, both named ones included."""

    first_on: Day
    last_on: Day
    reason: Line

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.first_on > self.last_on:
            raise Malformed(
                "closure_days",
                "The closure ends before it begins; its last_on is its first_on or later.",
                "the calendar",
                "last_on",
            )
        return self


class ClosureAnswer(ClosureWish):
    """`touches` are the visits booked on its days, told when it is recorded."""

    closure_id: UUID
    location_id: UUID
    withdrawn_at: Moment | None = None
    touches: tuple[TouchedVisit, ...] = ()


class LocationFigures(BaseModel):
    """What is on record of a place, earliest first."""

    location_id: UUID
    opening_hours: list[OpeningHoursAnswer]
    rosters: list[RosterAnswer]
    closures: list[ClosureAnswer]
