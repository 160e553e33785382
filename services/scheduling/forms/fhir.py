"""What FHIR searches may name, by the names that FHIR has for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.datastructures import URL

from shared.events import Moment
from shared.http.pages import MAX_ITEMS, Paging

MAX_DATES = 4

Asked = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
Dates = Annotated[
    list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=MAX_DATES)
]


class Search(BaseModel):
    """What every search may name. What it does not name here is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    count: Annotated[int, Field(alias="_count", ge=1, le=MAX_ITEMS)] = 50
    format_: Annotated[
        Literal["json", "application/json", "application/fhir+json"], Field(alias="_format")
    ] = "json"


class PagedSearch(Search):
    """A search of what is on record, page by page, or only counted."""

    cursor: Annotated[str | None, Field(alias="_cursor", max_length=500)] = None
    summary: Annotated[Literal["count", "false"], Field(alias="_summary")] = "false"

    def page(self, locations: frozenset[UUID] | None) -> Paging:
        return Paging(self.count, self.cursor, locations)

    @property
    def is_counted_only(self) -> bool:
        return self.summary == "count"


class AppointmentSearch(PagedSearch):
    """Visits by their start; `date` may be given more than once, for a span."""

    id_: Annotated[Asked | None, Field(alias="_id")] = None
    identifier: Asked | None = None
    status: Asked | None = None
    patient: Asked | None = None
    actor: Asked | None = None
    location: Asked | None = None
    date: Dates = []


class SlotSearch(PagedSearch):
    """What is taken of chairs and leaders, by its start."""

    id_: Annotated[Asked | None, Field(alias="_id")] = None
    schedule: Asked | None = None
    status: Asked | None = None
    start: Dates = []


class ScheduleSearch(PagedSearch):
    """The schedules of a place's chairs."""

    actor: Asked


class PatientSearch(PagedSearch):
    """Patients by what they are known as."""

    id_: Annotated[Asked | None, Field(alias="_id")] = None
    identifier: Asked | None = None


class FreeSearch(Search):
    """`$find`: what is free of a place between two moments."""

    start: Moment
    end: Moment
    visit_type: Annotated[str, Field(alias="visit-type", pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    location: Annotated[Asked, Field(alias="location-reference")]
    patient: Annotated[Asked | None, Field(alias="patient-reference")] = None


@dataclass(frozen=True, slots=True)
class Searched:
    """How a search was asked: `url` has the parameters that were used, and no other.

    `base` is where resources are read, `ignored` what was named and is not known here, `locations`
    where who asks works.
    """

    base: str
    url: URL
    locations: frozenset[UUID] | None
    ignored: tuple[str, ...] = ()
