"""What is asked for and answered on the day of a visit: consent, vitals, dose, chart, leaving."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from services.scheduling.forms.chart_words import Word
from services.scheduling.forms.drip_ends import EndCorrectionAnswer
from services.scheduling.forms.figures import Day, Source
from services.scheduling.forms.walk_outs import WalkOutAnswer, WelfareCallNote
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import StartsAt, Text
from services.scheduling.rules.patients.consents import ConsentKind
from services.scheduling.rules.visits.amounts import Scale
from services.scheduling.rules.visits.readings import Measure, Phase
from shared.claims import E164, Line, Name
from shared.events import Moment
from shared.events.scheduling import RideMode
from shared.refusals import API_DOCUMENT, Malformed
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


Parts = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A technical bound, for a mistyped figure; what a dose stays below is a limit on record."""

NoneOrParts = Annotated[int, Field(ge=0, le=1_000_000_000)]


def _said_once(wish: Wish, *names: str) -> None:
    """Raises `Malformed` unless the amounts of these names are said in one measure, each."""
    said = [[getattr(wish, f"{name}_{scale}") is not None for scale in Scale] for name in names]
    if said[0].count(True) != 1 or any(each != said[0] for each in said):
        right = " and ".join(f"{name}_ug" for name in names)
        raise Malformed(
            "dose_said_once",
            f"Say an amount once, by the unit of its drug: {right} of a mass, with _ul of a volume,"
            " or with _miu of international units.",
            API_DOCUMENT,
            f"{names[0]}_ug",
        )


def _in_one_measure(*names: str) -> ConfigDict:
    """Has the API's document say what `_said_once` checks."""
    ways: list[JsonValue] = [
        {
            "required": [f"{name}_{scale}" for name in names],
            "properties": {
                f"{name}_{each}": {"type": "integer" if each is scale else "null"}
                for name in names
                for each in Scale
            },
        }
        for scale in Scale
    ]
    return ConfigDict(json_schema_extra={"anyOf": ways})


class PlanDose(Wish):
    """What is to run in all, in one of three measures, and grams of body weight.

    `dose_ug` are micrograms, `dose_ul` microlitres, `dose_miu` thousandths of an international
    unit, as the unit of the drug asks. `reason` says why a step is a high one.
    """

    model_config = _in_one_measure("dose")

    clinician_id: UUID
    dose_ug: Parts | None = None
    dose_ul: Parts | None = None
    dose_miu: Parts | None = None
    weight_g: Annotated[int, Field(ge=20_000, le=400_000)]
    reason: Text | None = None

    @model_validator(mode="after")
    def _says_one_dose(self) -> Self:
        _said_once(self, "dose")
        return self


class RecordDose(Wish):
    """What was drawn up and what ran, both in the measure of the plan; the rest is waste."""

    model_config = _in_one_measure("drawn", "given")

    lot: Line
    off_plan_reason: Text | None = None
    drawn_ug: Parts | None = None
    given_ug: NoneOrParts | None = None
    drawn_ul: Parts | None = None
    given_ul: NoneOrParts | None = None
    drawn_miu: Parts | None = None
    given_miu: NoneOrParts | None = None

    @model_validator(mode="after")
    def _says_one_measure(self) -> Self:
        _said_once(self, "drawn", "given")
        return self


class DoseNotGiven(Wish):
    """That nothing ran, and why; signed by `clinician_id`."""

    clinician_id: UUID
    reason: Text


class DosePlanAnswer(BaseModel):
    """`dose` is as people read it, in the unit of the drug."""

    plan_id: UUID
    clinician_id: UUID
    dose: str
    dose_ug: int | None = None
    dose_ul: int | None = None
    dose_miu: int | None = None
    weight_g: int
    reason: str | None
    planned_at: Moment
    planned_by: str


class DoseAnswer(DosePlanAnswer):
    """The plan that holds, all `plans` earliest first, and what ran of it.

    `not_given_signed_by` is the clinician who signed that nothing did.
    """

    appointment_id: UUID
    patient_id: UUID
    plans: list[DosePlanAnswer]
    lot: str | None
    given: str | None
    drawn_ug: int | None = None
    given_ug: int | None = None
    wasted_ug: int | None = None
    drawn_ul: int | None = None
    given_ul: int | None = None
    wasted_ul: int | None = None
    drawn_miu: int | None = None
    given_miu: int | None = None
    wasted_miu: int | None = None
    off_plan_reason: str | None
    not_given_reason: str | None
    not_given_signed_by: UUID | None
    recorded_at: Moment | None
    recorded_by: str | None
    witnessed_at: Moment | None
    witnessed_by: str | None


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
    """A limit, and who signed it; a default has no signer."""

    visit_type: str
    measure: Measure
    effective_from: date
    hard_low: int | None
    soft_low: int | None
    soft_high: int | None
    hard_high: int | None
    source: str
    clinician_id: UUID | None
    signed_by: str | None
