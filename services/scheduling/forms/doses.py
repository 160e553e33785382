"""What is asked for and answered of a dose: planned, run, witnessed, amended."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import Text
from services.scheduling.rules.visits.amounts import Scale
from shared.claims import Line
from shared.events import Moment
from shared.refusals import API_DOCUMENT, Malformed

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
    unit, as the unit of the drug asks. `reason` says why a step is a high one, or a weight another.
    `instead_of` is the `plan_id` of the visit's plan that this one replaces.
    """

    model_config = _in_one_measure("dose")

    clinician_id: UUID
    dose_ug: Parts | None = None
    dose_ul: Parts | None = None
    dose_miu: Parts | None = None
    weight_g: Annotated[int, Field(ge=20_000, le=400_000)]
    reason: Text | None = None
    instead_of: UUID | None = None

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


class AmendDose(RecordDose):
    """What ran after all, in full, signed by `clinician_id` with the reason.

    `witness_anew`: who witnessed the waste is what was wrong. Of other amounts the waste is always
    witnessed anew.
    """

    clinician_id: UUID
    reason: Text
    witness_anew: bool = False


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


class DoseRan(BaseModel):
    """What was drawn up and what ran, with its lot, and who says so."""

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
    recorded_at: Moment | None
    recorded_by: str | None
    witnessed_at: Moment | None
    witnessed_by: str | None


class DoseAmendmentAnswer(BaseModel):
    """That a record was amended: `before` is what stood there.

    `past_limits` is what of the amended dose was past a ceiling.
    """

    amendment_id: UUID
    before: DoseRan
    clinician_id: UUID
    signed_at: Moment
    signed_by: str
    reason: str
    past_limits: list[str]


class DoseAnswer(DosePlanAnswer, DoseRan):
    """The plan that holds, all `plans` earliest first, and what ran of it by the last word.

    `not_given_signed_by` is the clinician who signed that nothing did. `amendments` are the
    corrections of what ran, earliest first, each with what stood there before.
    """

    appointment_id: UUID
    patient_id: UUID
    plans: list[DosePlanAnswer]
    not_given_reason: str | None
    not_given_signed_by: UUID | None
    amendments: list[DoseAmendmentAnswer]
