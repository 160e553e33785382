"""What scheduling says: patients, series, visits, rides."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.base import Moment, PatientEvent

SequenceNo = Annotated[int, Field(ge=1, le=99)]


class VisitType(StrEnum):
    KETAMINE_MOOD = "ketamine_mood"
    KETAMINE_PAIN = "ketamine_pain"
    PREPARATION = "preparation"


class RideMode(StrEnum):
    DRIVER = "driver"
    RIDESHARE = "rideshare"


class CancelReason(StrEnum):
    PATIENT_ASKED = "patient_asked"
    CLINIC_ASKED = "clinic_asked"
    SERIES_STOPPED = "series_stopped"
    NO_SHOW = "no_show"


class PatientRegistered(PatientEvent, producer="scheduling"):
    """A patient is on file; contact details are redeemed at the internal API."""

    registered_at: Moment


class PatientUpdated(PatientEvent, producer="scheduling"):
    """Something about the patient changed; copies elsewhere are refreshed."""

    updated_at: Moment


class PatientHeld(PatientEvent, producer="scheduling"):
    """Screening found a concern; no infusion starts until a clearance is recorded."""

    held_at: Moment


class PatientCleared(PatientEvent, producer="scheduling"):
    """A clinician recorded the clearance that the hold waited for."""

    cleared_at: Moment


class SeriesBooked(PatientEvent, producer="scheduling"):
    """All infusions of a series have their chairs; each also has its own AppointmentBooked."""

    series_id: UUID
    visit_type: VisitType
    planned_infusions: SequenceNo
    first_starts_at: Moment
    last_starts_at: Moment
    booked_at: Moment


class AppointmentBooked(PatientEvent, producer="scheduling"):
    """One visit has its chair."""

    appointment_id: UUID
    series_id: UUID | None
    sequence_no: SequenceNo | None
    location_id: UUID
    visit_type: VisitType
    starts_at: Moment
    ends_at: Moment
    revision: Annotated[int, Field(ge=0)]


class AppointmentMoved(PatientEvent, producer="scheduling"):
    """A visit has a new time; what was planned for the old time, its ride too, no longer holds.

    Another chair at the same time is no move. `revision` counts the changes of the visit.
    """

    appointment_id: UUID
    location_id: UUID
    visit_type: VisitType
    previous_starts_at: Moment
    starts_at: Moment
    ends_at: Moment
    revision: Annotated[int, Field(ge=1)]


class AppointmentCancelled(PatientEvent, producer="scheduling"):
    """A visit will not take place; its chair is free."""

    appointment_id: UUID
    location_id: UUID
    starts_at: Moment
    reason: CancelReason
    revision: Annotated[int, Field(ge=1)]


class RideConfirmed(PatientEvent, producer="scheduling"):
    """The patient has a way home. Who drives is redeemed at the internal API."""

    appointment_id: UUID
    mode: RideMode
    confirmed_at: Moment


class PatientCheckedIn(PatientEvent, producer="scheduling"):
    appointment_id: UUID
    checked_in_at: Moment


class PatientSentHome(PatientEvent, producer="scheduling"):
    """A patient who had checked in goes home without an infusion; nothing is owed for the visit.

    The chair is free, and the series stays open for the infusion that is now missing. Why stays
    with scheduling: it may say how the patient is. `revision` counts the changes of the visit.
    """

    appointment_id: UUID
    location_id: UUID
    sent_home_at: Moment
    revision: Annotated[int, Field(ge=1)]


class InfusionStarted(PatientEvent, producer="scheduling"):
    """The drip started."""

    infusion_id: UUID
    appointment_id: UUID
    location_id: UUID
    started_at: Moment


class InfusionCompleted(PatientEvent, producer="scheduling"):
    """The drip stopped as planned. Start and stop are the clock times that coding depends on."""

    infusion_id: UUID
    appointment_id: UUID
    series_id: UUID | None
    sequence_no: SequenceNo | None
    location_id: UUID
    visit_type: VisitType
    started_at: Moment
    stopped_at: Moment


class PatientDischarged(PatientEvent, producer="scheduling"):
    """The patient left with the ride. No driving until `no_drive_until`."""

    appointment_id: UUID
    infusion_id: UUID
    location_id: UUID
    discharged_at: Moment
    no_drive_until: Moment


class SeriesCompleted(PatientEvent, producer="scheduling"):
    """The last planned infusion of the series is done."""

    series_id: UUID
    prescriber_id: UUID
    infusions_completed: SequenceNo
    completed_at: Moment


class SeriesStopped(PatientEvent, producer="scheduling"):
    """The series ends early; no infusion of it is left."""

    series_id: UUID
    infusions_completed: Annotated[int, Field(ge=0, le=99)]
    stopped_at: Moment
