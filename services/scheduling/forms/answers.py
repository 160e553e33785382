"""What scheduling answers: the thing that was created, changed or read, or why not."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from services.scheduling.forms.figures import TouchedVisit
from services.scheduling.rules.patients.intake import Concern
from services.scheduling.rules.patients.screening import Screening
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.visits.life import SendHomeReason, VisitState
from shared.claims import E164, ClinicianCard, Line, LocationCard, PatientCard
from shared.events import Moment
from shared.events.scheduling import RideMode, TypeCode


class LocationAnswer(LocationCard):
    """A place; `calendar_name` is what patients' calendars call it, if anything."""

    calendar_name: str | None


class ChairAnswer(BaseModel):
    """`touches` are the visits to come in a chair, told as it goes out of service."""

    chair_id: UUID
    location_id: UUID
    name: str
    out_since: Moment | None = None
    out_reason: str | None = None
    touches: tuple[TouchedVisit, ...] = ()


class RoomAnswer(BaseModel):
    room_id: UUID
    location_id: UUID
    name: str


class ClinicianAnswer(ClinicianCard):
    """A clinician, and the login by which they sign."""

    subject: str | None


class PatientAnswer(BaseModel):
    """`held`: a clearance is waited for. What screening says holds until `screened_until`."""

    patient_id: UUID
    held: bool
    screening: Screening
    screened_until: date | None


class PatientFile(PatientCard):
    """A patient's card; `concerns` is for those who treat, and null for others.

    `merged_into` is the file to go on with, where this one is closed; `merged_from` are those that
    were closed for this one.
    """

    held: bool
    screening: Screening
    screened_until: date | None
    concerns: list[Concern] | None
    merged_into: UUID | None
    merged_from: list[UUID]


class Ride(BaseModel):
    """Who takes the patient home."""

    mode: RideMode
    driver_name: Line | None
    driver_phone: E164 | None


class RideSeen(BaseModel):
    """Who came to take the patient home, and which member of staff saw it."""

    mode: RideMode
    driver_name: Line
    driver_phone: E164 | None
    seen_by: str
    seen_at: Moment


class TakenTime(BaseModel):
    """What a visit takes, or a hold: a chair's time or a leader's."""

    appointment_id: UUID
    patient_id: UUID
    chair_id: UUID | None
    led_by: UUID | None
    hold_id: UUID | None
    starts_at: Moment
    ends_at: Moment


class AppointmentSummary(BaseModel):
    """Where and when, without whom the ride is with.

    `late_since`: an entry in the chart was due then, and none has come.

    An infusion has its series and chair, a treatment its chair and a clinician who ordered it; a
    session has neither, and a clinician who leads it.
    """

    appointment_id: UUID
    series_id: UUID | None
    patient_id: UUID
    sequence_no: int | None
    location_id: UUID
    chair_id: UUID | None
    led_by: UUID | None
    ordered_by: UUID | None
    room_id: UUID | None
    visit_type: TypeCode
    starts_at: Moment
    ends_at: Moment
    state: VisitState
    revision: int
    ride_mode: RideMode | None
    fasted: bool | None
    late_since: Moment | None


class AppointmentAnswer(AppointmentSummary):
    """One visit. `advice` is what a change brought that is allowed and worth a second look.

    `ran` is whether anything of a drip that is over ran, once that is on record. `left_at` is when
    a patient walked out.
    """

    ride: Ride | None
    ride_seen: RideSeen | None
    cleared_at: Moment | None
    infusion_id: UUID | None
    clinician_id: UUID | None
    started_at: Moment | None
    stopped_at: Moment | None
    ran: bool | None
    no_drive_until: Moment | None
    left_at: Moment | None
    sent_home_reason: SendHomeReason | None
    advice: list[str] = []


class SeriesAnswer(BaseModel):
    """A series with all its visits, earliest first."""

    series_id: UUID
    patient_id: UUID
    prescriber_id: UUID
    location_id: UUID
    visit_type: TypeCode
    diagnoses: list[str]
    planned_infusions: int
    state: SeriesState
    advice: list[str]
    appointments: list[AppointmentAnswer]
