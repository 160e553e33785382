"""What is asked for and answered on the day of a visit: consent, vitals, dose, chart, leaving."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.scheduling.forms.chart_words import Word
from services.scheduling.forms.doses import DoseAnswer
from services.scheduling.forms.drip_ends import EndCorrectionAnswer
from services.scheduling.forms.figures import Day, Source
from services.scheduling.forms.walk_outs import WalkOutAnswer, WelfareCallNote
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import StartsAt, Text
from services.scheduling.rules.patients.consents import ConsentKind
from services.scheduling.rules.visits.readings import Measure, Phase
from shared.claims import E164, Line, Name
from shared.events import Moment
from shared.events.scheduling import RideMode
from shared.written import told

Code = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^[a-z0-9_]{1,40}$", "a word in small letters, such as chest_pain")
    ),
]


class Representative(Wish):
    """Who signs for a patient; `authority` is what lets them, such as a power of attorney."""

    name: Line
    authority: Line


class RecordConsent(Wish):
    """A form, its version, and what it is for; an infusion's names the types it speaks of.

    The patient signed, unless a representative did.
    """

    kind: ConsentKind
    form: Line
    version: Name
    visit_types: Annotated[list[Code], Field(max_length=20, default_factory=list)]
    representative: Representative | None = None
    signed_at: StartsAt


class ConsentAnswer(BaseModel):
    """`signer` is the patient or, with the `authority` to, who signed for them."""

    consent_id: UUID
    patient_id: UUID
    kind: ConsentKind
    form: str
    version: str
    visit_types: list[str]
    signer: str
    authority: str | None
    signed_at: Moment
    expires_at: Moment
    recorded_at: Moment
    recorded_by: str
    withdrawn_at: Moment | None
    withdrawn_by: str | None


class VitalSigns(Wish):
    """What can be read of a living patient; limits judge the rest."""

    systolic_mmhg: Annotated[int, Field(ge=20, le=350)]
    diastolic_mmhg: Annotated[int, Field(ge=10, le=250)]
    pulse_bpm: Annotated[int, Field(ge=10, le=350)]
    spo2_pct: Annotated[int, Field(ge=30, le=100)]


class RecordVitals(VitalSigns):
    note: Text | None = None


class OutsideAnswer(BaseModel):
    """A value past a limit: a soft one, which a prescriber may sign, or a hard one."""

    measure: Measure
    value: int
    hard: bool
    detail: str
    source: str


class ReadingAnswer(VitalSigns):
    """An entry of the chart. `overridden`: a prescriber signed for what is outside."""

    reading_id: UUID
    appointment_id: UUID
    patient_id: UUID
    phase: Phase
    taken_at: Moment
    taken_by: str
    note: str | None
    outside: list[OutsideAnswer]
    overridden: bool


class SignVitalsOverride(Wish):
    clinician_id: UUID
    reason: Text


class VitalsOverrideAnswer(BaseModel):
    override_id: UUID
    patient_id: UUID
    appointment_id: UUID
    reading_id: UUID
    clinician_id: UUID
    signed_at: Moment
    signed_by: str
    reason: str
    outside: list[OutsideAnswer]


class SeeRide(Wish):
    """Who stands there to take the patient home."""

    mode: RideMode
    driver_name: Line | None = None
    driver_phone: E164 | None = None


class Discharge(Wish):
    """`oriented`: to person, place and time."""

    oriented: bool = False


class Transfer(Wish):
    """A patient is handed over: to which hospital, to whom, and why. Who does it signs it."""

    clinician_id: UUID
    transferred_to: Line
    taken_over_by: Line
    reason: Text


class GivePremedication(Wish):
    """`drug` is a word of the chart that is in use (`/chart-words`)."""

    drug: Word
    dose: Line


class Severity(StrEnum):
    EXPECTED = "expected"
    UNCOMMON = "uncommon"
    SERIOUS = "serious"


class NoteAdverseEvent(Wish):
    """`event` is a word of the chart that is in use; what has none is `other`, told in `action`."""

    event: Word
    severity: Severity
    action: Text
    resolved: bool


class PremedicationNote(GivePremedication):
    kind: Literal["premedication"] = "premedication"


class AdverseEventNote(NoteAdverseEvent):
    kind: Literal["adverse_event"] = "adverse_event"


class FollowUp(Wish):
    """What became of an adverse event; `resolved` where it is over."""

    found: Text
    resolved: bool


class FollowUpNote(FollowUp):
    """`of` is the note of the adverse event."""

    kind: Literal["follow_up"] = "follow_up"
    of: UUID


class NoteAnswer(BaseModel):
    note_id: UUID
    appointment_id: UUID
    patient_id: UUID
    noted_at: Moment
    noted_by: str
    note: Annotated[
        PremedicationNote | AdverseEventNote | FollowUpNote | WelfareCallNote,
        Field(discriminator="kind"),
    ]


class AdverseEventAnswer(BaseModel):
    """An adverse event with what was noted of it since, earliest first."""

    note_id: UUID
    appointment_id: UUID
    patient_id: UUID
    noted_at: Moment
    noted_by: str
    event: str
    severity: Severity
    action: str
    resolved_at: Moment | None
    resolved_by: str | None
    follow_ups: list[NoteAnswer]


class ChartAnswer(BaseModel):
    """All that is on record of one visit's day, earliest first."""

    appointment_id: UUID
    patient_id: UUID
    consent: ConsentAnswer | None
    readings: list[ReadingAnswer]
    overrides: list[VitalsOverrideAnswer]
    notes: list[NoteAnswer]
    dose: DoseAnswer | None
    abort_reason: str | None
    end_corrections: list[EndCorrectionAnswer]
    walk_out: WalkOutAnswer | None
    late_since: Moment | None


Bound = Annotated[int, Field(ge=1, le=1_000_000_000)]


class LimitWish(Wish):
    """What a measure may be from a day on, and who signs it; what is left out is no limit."""

    clinician_id: UUID
    measure: Measure
    effective_from: Day
    hard_low: Bound | None = None
    soft_low: Bound | None = None
    soft_high: Bound | None = None
    hard_high: Bound | None = None
    source: Source


class LimitAnswer(BaseModel):
    """A limit, and who signed it; a default has no signer. Of one day the last revision counts."""

    visit_type: str
    measure: Measure
    effective_from: date
    revision: int
    hard_low: int | None
    soft_low: int | None
    soft_high: int | None
    hard_high: int | None
    source: str
    clinician_id: UUID | None
    signed_by: str | None
