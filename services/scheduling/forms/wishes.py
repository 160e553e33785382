"""What staff ask for: the bodies of requests, checked for their form. Rules judge the content."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from services.scheduling.forms.people import MailAddress, PersonLine, PersonName, PostalAddress
from services.scheduling.forms.wish import Wish
from services.scheduling.rules.patients.intake import ANOTHER_PERSON, Concern
from services.scheduling.rules.visits.life import SendHomeReason
from shared.claims import E164, PRINTABLE, Icd10, Line, Name
from shared.events import Moment
from shared.events.scheduling import CancelReason, RideMode, TypeCode
from shared.identifiers import DeaNumber, Ein, Npi
from shared.refusals import API_DOCUMENT, Malformed
from shared.written import A_DAY, LEGIBLE, LEGIBLE_LINES

MAX_APPOINTMENTS = 366
"""Far above any series, so that the rule about its size can say what would be right."""

MAX_DIAGNOSES = 12
"""As many as a claim form holds (CMS-1500, item 21)."""


def _each_once(codes: list[str]) -> list[str]:
    if len(set(codes)) < len(codes):
        raise Malformed(
            "diagnosis_twice",
            "A diagnosis stands here twice; name each once, the first the main one.",
            "CMS-1500, item 21: each line has another diagnosis",
        )
    return codes


Diagnoses = Annotated[
    list[Icd10],
    Field(max_length=MAX_DIAGNOSES, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]
"""ICD-10 codes, the main one first."""

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), LEGIBLE_LINES
]
BirthDate = Annotated[date, Field(ge=date(1900, 1, 1)), A_DAY]


def _in_any_calendar(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2200:  # noqa: PLR2004  # the message says the same
        raise Malformed(
            "calendar_years",
            "The moment must lie within the years 2000 to 2199.",
            "the house's limit, for a mistyped year",
        )
    return moment


StartsAt = Annotated[Moment, AfterValidator(_in_any_calendar)]
"""A moment that any zone's calendar can show; how far ahead is the rules' to judge."""


def _on_a_minute(moment: datetime) -> datetime:
    if moment.second or moment.microsecond:
        raise Malformed(
            "whole_minute",
            "A visit begins on a whole minute; leave out the seconds.",
            "the house's: times are agreed by clocks and calendars that show minutes",
        )
    return moment


VisitStart = Annotated[StartsAt, AfterValidator(_on_a_minute)]
"""When a visit is to begin."""


def _known_zone(zone: str) -> str:
    """Not `localtime`, which is the server's own, nor `Factory`, which is nobody's."""
    is_a_place = "/" in zone or zone == "UTC"
    if is_a_place and zone in _zones():
        return zone
    raise Malformed(
        "known_zone",
        "This is no time zone of a place; right would be one such as America/New_York.",
        "IANA time zone database: zones of places are named by area and city",
    )


@cache
def _zones() -> frozenset[str]:
    """Looked for among the system's files, which takes several milliseconds, once per process."""
    return frozenset(available_timezones())


Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]


class _Change(Wish):
    """Any of these; what is left out stays as it is. Only `may_be_emptied` is taken as `null`."""

    may_be_emptied: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise Malformed("no_change", "Name at least one field to change.", API_DOCUMENT)
        if any(getattr(self, name) is None for name in self.model_fields_set - self.may_be_emptied):
            raise Malformed(
                "no_change",
                "Leave out what stays as it is; this cannot be emptied.",
                API_DOCUMENT,
            )
        return self

    def changes(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class OpenLocation(Wish):
    name: Line
    zone: Zone
    legal_name: Line
    ein: Ein
    npi: Npi
    phone: E164
    address: PostalAddress
    calendar_name: Line | None = None


class CorrectLocation(_Change):
    """`calendar_name` is what patients' calendars call a place: neutral, or, with `null`, nothing.

    Then they show no name.
    """

    may_be_emptied: ClassVar[frozenset[str]] = frozenset({"calendar_name"})

    name: Line | None = None
    zone: Zone | None = None
    legal_name: Line | None = None
    ein: Ein | None = None
    npi: Npi | None = None
    phone: E164 | None = None
    address: PostalAddress | None = None
    calendar_name: Line | None = None


class AddChair(Wish):
    name: Line


class AddRoom(Wish):
    name: Line


class TakeChairOut(Wish):
    reason: Line


Subject = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE),
    LEGIBLE,
]
"""The `sub` of somebody's token: an id, never a name."""


class AddClinician(Wish):
    """`subject` is the login by which the clinician signs; who has none signs nothing."""

    name: PersonLine
    credential: Name
    npi: Npi
    license_number: Name
    dea_number: DeaNumber | None = None
    phone: E164
    address: PostalAddress
    subject: Subject | None = None


class CorrectClinician(_Change):
    name: PersonLine | None = None
    credential: Name | None = None
    npi: Npi | None = None
    license_number: Name | None = None
    dea_number: DeaNumber | None = None
    phone: E164 | None = None
    address: PostalAddress | None = None
    subject: Subject | None = None


class RegisterPatient(Wish):
    """`concerns` is what the patient says at intake; it holds the patient, and clears nobody.

    `denied` is what the patient was asked about and said no to; what is in neither was not asked.

    `same_name_is_another_person` where somebody of this name and birth date is on file already.
    """

    first_name: PersonName
    last_name: PersonName
    birth_date: BirthDate
    phone: E164
    email: MailAddress
    address: PostalAddress
    concerns: Annotated[list[Concern], Field(max_length=len(Concern), default_factory=list)]
    denied: Annotated[list[Concern], Field(max_length=len(Concern), default_factory=list)]
    same_name_is_another_person: bool = False

    @model_validator(mode="after")
    def _answers_once(self) -> Self:
        if set(self.concerns) & set(self.denied):
            raise Malformed(
                "answered_twice",
                "The same is both a concern and denied; say one of them.",
                API_DOCUMENT,
                "denied",
            )
        return self


class UpdatePatient(_Change):
    """`same_name_is_another_person` as at registration, where the name or birth date changes."""

    first_name: PersonName | None = None
    last_name: PersonName | None = None
    birth_date: BirthDate | None = None
    phone: E164 | None = None
    email: MailAddress | None = None
    address: PostalAddress | None = None
    same_name_is_another_person: bool = False

    def changes(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True, exclude={ANOTHER_PERSON})


class MergeFile(Wish):
    """That a file is one too many of a person, and which one stays.

    `other_name_is_same_person` where the two differ in name or birth date.
    """

    into_patient_id: UUID
    reason: Text
    other_name_is_same_person: bool = False


class WishedAppointment(Wish):
    chair_id: UUID
    starts_at: VisitStart


class BookSeries(Wish):
    """All infusions of a series, first to last.

    `instead_of` is a plan that is held for the patient, and is released by the booking.
    """

    patient_id: UUID
    prescriber_id: UUID
    location_id: UUID
    visit_type: TypeCode
    diagnoses: Annotated[Diagnoses, Field(min_length=1)]
    appointments: Annotated[list[WishedAppointment], Field(max_length=MAX_APPOINTMENTS)]
    instead_of: UUID | None = None


class StopSeries(Wish):
    reason: Text


class MoveAppointment(Wish):
    """`revision` is the one that the caller looked at; left out, the newest is meant.

    An infusion may take another chair, a session another leader.
    """

    starts_at: VisitStart
    chair_id: UUID | None = None
    led_by: UUID | None = None
    revision: Annotated[int, Field(ge=0)] | None = None


class CancelAppointment(Wish):
    """`revision` as for a move. `no_show`: the visit began, and the patient did not come."""

    reason: Literal[CancelReason.PATIENT_ASKED, CancelReason.CLINIC_ASKED, CancelReason.NO_SHOW]
    revision: Annotated[int, Field(ge=0)] | None = None


class RecordRide(Wish):
    mode: RideMode
    driver_name: Line | None = None
    driver_phone: E164 | None = None


class CheckIn(Wish):
    """`fasted`: no food in the two hours before; liquids are fine. A session needs no answer.

    `instead_of` is the answer on record where another one replaces it.
    """

    fasted: bool | None = None
    instead_of: bool | None = None


class SendHome(Wish):
    reason: SendHomeReason


class StartInfusion(Wish):
    """`chair_id` where the drip runs in another chair than the one that is booked."""

    clinician_id: UUID
    chair_id: UUID | None = None


class Nothing(Wish):
    """A step that needs no more than its visit: `{}`."""
