"""What scheduling says: patients, series, visits, rides.

Each is said in the transaction that stores what it tells, as a member of staff does the thing; only
SeriesGapAtRisk, SeriesGapMended and ChairOffered are said by a timer. Instants are UTC. `revision`
counts the changes of a visit from 0 on; of two events about one visit the one with the higher
revision is the newer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shared.events.base import Event, Moment, PatientEvent
from shared.written import told

SequenceNo = Annotated[int, Field(ge=1, le=99)]
FastingMin = Annotated[int, Field(ge=0)]
TypeCode = Annotated[
    str,
    StringConstraints(
        pattern=told(
            r"^[a-z][a-z0-9_]{1,59}$",
            "a code in small letters, digits and underlines, such as ketamine_mood",
        )
    ),
]
"""The code of a visit type in the clinic's catalogue. A type is a row there: any code may come."""


class VisitType(StrEnum):
    """The types that every clinic has, and `other` for the rest of a clinic's catalogue."""

    KETAMINE_MOOD = "ketamine_mood"
    KETAMINE_PAIN = "ketamine_pain"
    PREPARATION = "preparation"
    SPRAY_CONSULT = "spray_consult"
    WEB_FOLLOW_UP = "web_follow_up"
    INTEGRATION = "integration"
    OTHER = "other"


EVERYWHERE = frozenset(VisitType) - {VisitType.OTHER}


ZoneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$")]
"""A time zone by its IANA name."""


class OfType(PatientEvent):
    """A fact about a visit of one type of the clinic's catalogue.

    `type_code` is the type's code there. `visit_type` is the same where it is one that every
    clinic has, and `other` where it is not. Events from before there was a code have none.
    """

    visit_type: VisitType
    type_code: TypeCode | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_code(cls, given: Any) -> Any:  # whatever a model is made of
        """Who says it names the code, and the type that consumers match follows from it."""
        if not isinstance(given, Mapping) or given.get("type_code") is not None:
            return given
        code = given.get("visit_type")
        if not isinstance(code, str) or code == VisitType.OTHER:
            return given
        known = code if code in EVERYWHERE else VisitType.OTHER
        return {**given, "visit_type": known, "type_code": str(code)}

    @property
    def code(self) -> str:
        """The type's code, whenever the event was said."""
        return self.type_code or self.visit_type.value


class RideMode(StrEnum):
    DRIVER = "driver"
    RIDESHARE = "rideshare"


class CancelReason(StrEnum):
    PATIENT_ASKED = "patient_asked"
    CLINIC_ASKED = "clinic_asked"
    SERIES_STOPPED = "series_stopped"
    NO_SHOW = "no_show"


class PatientRegistered(PatientEvent, producer="scheduling"):
    """A patient is on file, at the end of intake; contact details are redeemed by the id."""

    registered_at: Moment


class PatientUpdated(PatientEvent, producer="scheduling"):
    """A name, contact, address or birth date changed; copies elsewhere are redeemed anew."""

    updated_at: Moment


class LocationUpdated(Event, producer="scheduling"):
    """A location's name, address, phone, zone or legal entity was corrected; copies are old.

    `revision` counts the corrections: a copy that was redeemed for a later one stays.
    """

    key_field = "location_id"

    location_id: UUID
    revision: Annotated[int, Field(ge=1)]
    updated_at: Moment


class PatientMerged(PatientEvent, producer="scheduling"):
    """A file was one too many of its person, and is closed; `into_patient_id` is who stays.

    Nothing was given under the closed one, and nothing will be. Its id redeems the card of the
    other from now on; PatientUpdated is said of it with this, and with each change of that card.
    """

    into_patient_id: UUID
    merged_at: Moment


class PatientHeld(PatientEvent, producer="scheduling"):
    """A concern is known, at intake or later: no infusion starts until a clearance is recorded.

    Which concern it is stays with scheduling.
    """

    held_at: Moment


class PatientCleared(PatientEvent, producer="scheduling"):
    """A clinician recorded the clearance that the hold waited for; it may run out again unsaid."""

    cleared_at: Moment


class SeriesBooked(OfType, producer="scheduling"):
    """All infusions of a series have their chairs; each also has its own AppointmentBooked.

    `planned_infusions` is how many. `first_starts_at` and `last_starts_at` are as booked; a later
    move, cancellation or replacement is not told by another SeriesBooked. `zone` is that of the
    location, by whose days a patient's deadlines run (`America/New_York`).
    """

    series_id: UUID
    planned_infusions: SequenceNo
    first_starts_at: Moment
    last_starts_at: Moment
    booked_at: Moment
    zone: ZoneName | None = None


class AppointmentBooked(OfType, producer="scheduling"):
    """One visit has its chair: with its series, or later in place of one that was lost.

    It is said again, with a new revision, when a no-show was a mistake and the patient is there.

    `sequence_no` is the infusion's number in its series, from 1 on; one in a lost one's place gets
    a new number. Both are null for a visit outside a series. `ends_at` is when the chair is free
    again, recovery included; it is not when the drip stops. `ride_needed` and `fasting_min` are
    what its type asks of the patient: a ride home, and for how long before to eat nothing.
    `in_chair` tells a treatment from a session, where there is no series; `booked_at` is when it
    was booked, or booked again. `zone` is that of the location, as in SeriesBooked.
    """

    appointment_id: UUID
    series_id: UUID | None
    sequence_no: SequenceNo | None
    location_id: UUID
    starts_at: Moment
    ends_at: Moment
    revision: Annotated[int, Field(ge=0)]
    ride_needed: bool | None = None
    fasting_min: FastingMin | None = None
    in_chair: bool | None = None
    booked_at: Moment | None = None
    zone: ZoneName | None = None


class AppointmentMoved(OfType, producer="scheduling"):
    """A visit has a new time; what was planned for the old time, its ride too, no longer holds.

    Another chair at the same time is no move. `previous_starts_at` is the time given up, `ends_at`
    as in AppointmentBooked, and so are `ride_needed` and `fasting_min`.
    """

    appointment_id: UUID
    location_id: UUID
    previous_starts_at: Moment
    starts_at: Moment
    ends_at: Moment
    revision: Annotated[int, Field(ge=1)]
    ride_needed: bool | None = None
    fasting_min: FastingMin | None = None


class AppointmentCancelled(PatientEvent, producer="scheduling"):
    """A visit will not take place; its chair is free. `starts_at` is the time given up.

    `series_stopped` comes with SeriesStopped, one for each visit that was to come; `no_show` is
    said after the visit's time, when the patient did not come.
    """

    appointment_id: UUID
    location_id: UUID
    starts_at: Moment
    reason: CancelReason
    revision: Annotated[int, Field(ge=1)]


class RideConfirmed(PatientEvent, producer="scheduling"):
    """The patient has a way home, by word of the patient; who drives stays with scheduling.

    Said again when another ride replaces it. AppointmentMoved ends it.
    """

    appointment_id: UUID
    mode: RideMode
    confirmed_at: Moment


class PatientCheckedIn(PatientEvent, producer="scheduling"):
    """The patient is in the clinic on the visit's local day.

    Said once per visit, and again only after a PatientCheckInUndone.

    Whether they fasted is asked then, and again if they had not; the answer stays with scheduling.
    """

    appointment_id: UUID
    checked_in_at: Moment


class PatientCheckInUndone(PatientEvent, producer="scheduling"):
    """A check-in was a mistake, of the wrong patient: the visit is to come as it was before."""

    appointment_id: UUID
    undone_at: Moment


class PatientSentHome(PatientEvent, producer="scheduling"):
    """A patient who had checked in goes home without an infusion; nothing is owed for the visit.

    The chair is free, and the series stays open for the infusion that is now missing. Why stays
    with scheduling: it may say how the patient is.
    """

    appointment_id: UUID
    location_id: UUID
    sent_home_at: Moment
    revision: Annotated[int, Field(ge=1)]


class InfusionStarted(PatientEvent, producer="scheduling"):
    """A nurse started the drip, past every gate: consent, clearance, ride, fasting, vitals.

    `infusion_id` is new, and stands from now on for what is given; `started_at` is the clock time.
    """

    infusion_id: UUID
    appointment_id: UUID
    location_id: UUID
    started_at: Moment


class InfusionCompleted(OfType, producer="scheduling"):
    """A drip was stopped at its end, and something of it ran; the charge and the superbill follow.

    Said once, when what ran is on record, or at the drip's end for what has no dose. Where nothing
    ran, InfusionAborted is said instead.

    `started_at` and `stopped_at` are the clock times between which the drip ran; coding counts
    the minutes, and the driving ban begins at `stopped_at`. `sequence_no` is the infusion's number
    in its series as in AppointmentBooked, which is not how many were given before it. It and
    `series_id` are null for a visit outside a series.
    """

    infusion_id: UUID
    appointment_id: UUID
    series_id: UUID | None
    sequence_no: SequenceNo | None
    location_id: UUID
    started_at: Moment
    stopped_at: Moment


class InfusionAborted(OfType, producer="scheduling"):
    """The drip was stopped before its end, or nothing of it ran. Said once.

    No InfusionCompleted comes for it; the series stays open for the infusion that is now missing.
    The patient recovers, and PatientDischarged follows. The fields are those of InfusionCompleted.
    Why stays with scheduling.
    """

    infusion_id: UUID
    appointment_id: UUID
    series_id: UUID | None
    sequence_no: SequenceNo | None
    location_id: UUID
    started_at: Moment
    stopped_at: Moment


class ConsultCompleted(OfType, producer="scheduling"):
    """A session that a clinician led took place; a charge and a superbill follow. Said once.

    It is a preparation or integration session, a nasal-spray consult or a web follow-up: nothing
    is given, and no chair is taken. `started_at` and `ended_at` are when it was really held, and
    `clinician_id` who led it then; for what, stays with scheduling.
    """

    appointment_id: UUID
    location_id: UUID
    clinician_id: UUID
    started_at: Moment
    ended_at: Moment


class PatientDischarged(PatientEvent, producer="scheduling"):
    """The patient left: with a ride that staff saw, with a hospital, or by themselves.

    No driving until `no_drive_until`, in any case. Who left by themselves is told as
    PatientWalkedOut too.

    That is elapsed time from the drip's stop, by the visit type's figures of that day: 6 hours for
    an infusion, by the FAQ.
    """

    appointment_id: UUID
    infusion_id: UUID
    location_id: UUID
    discharged_at: Moment
    no_drive_until: Moment


class DrivingBanExtended(PatientEvent, producer="scheduling"):
    """A patient who has gone may not drive until later than PatientDischarged said.

    Their drip ended later than was on record. It may be said again, each time with a later hour;
    it is never shorter.
    """

    extension_id: UUID
    appointment_id: UUID
    infusion_id: UUID
    location_id: UUID
    extended_at: Moment
    no_drive_until: Moment


class WalkOutPhase(StrEnum):
    """When in a visit its patient left."""

    BEFORE_START = "before_start"
    RUNNING = "running"
    AFTER_DRIP = "after_drip"


class PatientWalkedOut(PatientEvent, producer="scheduling"):
    """A patient left before anybody let them go. Said once of a visit; a person calls.

    Before the start it was without being seen: `infusion_id` is null, and PatientSentHome is said
    too. Later it was against medical advice: PatientDischarged is said too, with the driving ban,
    and InfusionAborted where the drip still ran. Of a drip that was over InfusionCompleted may
    follow, once its dose is on record. How and why stays with scheduling.
    """

    appointment_id: UUID
    infusion_id: UUID | None
    location_id: UUID
    phase: WalkOutPhase
    left_at: Moment


class WalkOutSettled(PatientEvent, producer="scheduling"):
    """Nothing is owed of a walk-out any more: somebody saw to the patient, the dose is on record.

    Said once.
    """

    appointment_id: UUID
    location_id: UUID
    settled_at: Moment


class SeriesCompleted(PatientEvent, producer="scheduling"):
    """A series is done; its at-home prescription follows.

    Said once, and never of a series that was stopped: with the last InfusionCompleted, or as the
    last visit to come is cancelled or sent home, when none is left and at least the protocol's
    minimum was given (six, by the FAQ). A prescriber may extend it afterwards: more
    AppointmentBooked follow, and no second SeriesCompleted. `infusions_completed` counts those that
    were given; lost ones are not in it. `prescriber_id` is who was named at the booking,
    or in a signed correction since.
    """

    series_id: UUID
    prescriber_id: UUID
    infusions_completed: SequenceNo
    completed_at: Moment


class SeriesStopped(PatientEvent, producer="scheduling"):
    """A prescriber or the front desk ended the series early; no infusion of it is left.

    `infusions_completed` counts those that were given, from 0 on. No prescription follows. Why
    stays with scheduling.
    """

    series_id: UUID
    infusions_completed: Annotated[int, Field(ge=0, le=99)]
    stopped_at: Moment


class SeriesGapAtRisk(PatientEvent, producer="scheduling"):
    """A gap of a series will be too long unless somebody acts, or is too long already.

    The gap begins with `after_appointment_id`, the last infusion before it, and is too long from
    `breaks_at` on, the midnight that ends its last day; that is past where what was missed was
    noted too late. `free_starts` counts the times at which a
    chair saves it, `last_free_at` is the last of them; 0 and null where none is left. Said once,
    until SeriesGapMended.
    """

    series_id: UUID
    after_appointment_id: UUID
    location_id: UUID
    breaks_at: Moment
    free_starts: Annotated[int, Field(ge=0)]
    last_free_at: Moment | None


class SeriesGapMended(PatientEvent, producer="scheduling"):
    """A gap that was at risk is so no more: an infusion stands in it, or its series is over."""

    series_id: UUID
    after_appointment_id: UUID
    mended_at: Moment


class VisitLeft(StrEnum):
    """Where a visit was left of which nobody said what became of it."""

    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    CLEARED = "cleared"
    RUNNING = "running"


class VisitUnsettled(PatientEvent, producer="scheduling"):
    """The day of a visit is over and nobody said what became of it. Said the morning after."""

    appointment_id: UUID
    location_id: UUID
    starts_at: Moment
    state: VisitLeft


class DischargeOverdue(PatientEvent, producer="scheduling"):
    """A drip is long over, or its place has closed, and nobody said that the patient left.

    Said once of a visit, within a quarter of an hour. PatientDischarged follows once somebody says
    it, with PatientWalkedOut where the patient had gone.
    """

    appointment_id: UUID
    infusion_id: UUID
    location_id: UUID
    stopped_at: Moment


class ChairOffered(OfType, producer="scheduling"):
    """A chair that became free is offered to a patient who waits, until `expires_at`.

    Several may have the same offer; the first who accepts has the chair. Nothing is held.
    """

    offer_id: UUID
    location_id: UUID
    starts_at: Moment
    ends_at: Moment
    expires_at: Moment
