"""The dose of an infusion: planned in steps below a ceiling, recorded with its lot and its waste.

Doses per kilogram are whole micrograms, weights whole grams.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.scheduling.rules.visits.amounts import Amount, DoseUnit, Scale
from services.scheduling.rules.visits.life import ONE_AFTER_THE_OTHER
from services.scheduling.rules.visits.readings import Limit, Measure, outside
from shared.refusals import Broken

RECORDS = "21 CFR 1304.22(c): what is administered of a controlled substance is recorded"
PRESCRIBED = "FAQ: ketamine is prescribed and monitored, certain times and amounts"


@dataclass(frozen=True, slots=True)
class PlannedBefore:
    """The plan that a visit has. `dose` is as people read it."""

    plan_id: UUID
    dose: str
    planned_by: str


class DoseState(StrEnum):
    """How far the dose of an infusion that has started is on record."""

    NOT_ASKED = "not_asked"
    PLANNED = "planned"
    WASTE_UNWITNESSED = "waste_unwitnessed"
    RECORDED = "recorded"
    NOT_GIVEN = "not_given"


def dose_state(
    *, asked: bool, recorded: bool, given: bool, wasted: bool, witnessed: bool
) -> DoseState:
    """`asked`: the type of visit asks for a dose, or one was planned."""
    if not recorded:
        return DoseState.PLANNED if asked else DoseState.NOT_ASKED
    if not given:
        return DoseState.NOT_GIVEN
    return DoseState.WASTE_UNWITNESSED if wasted and not witnessed else DoseState.RECORDED


def per_kg(dose_ug: int, weight_g: int) -> int:
    """Micrograms per kilogram, rounded up: never below what would be given."""
    return -(-dose_ug * 1000 // weight_g)


MEASURES = {
    Scale.MASS: (Measure.DOSE_UG_PER_KG, Measure.FIRST_DOSE_UG_PER_KG),
    Scale.VOLUME: (Measure.DOSE_UL, Measure.FIRST_DOSE_UL),
    Scale.UNITS: (Measure.DOSE_MIU, Measure.FIRST_DOSE_MIU),
}
"""What limits a dose of each scale, and what limits the first one of a series."""


def judged(dose: Amount, weight_g: int) -> int:
    """What of a dose the limits judge: a mass per kilogram of the patient, all else as a whole."""
    return per_kg(dose.parts, weight_g) if dose.scale is Scale.MASS else dose.parts


def broken_by_ceiling(dose: Amount, weight_g: int, limits: Iterable[Limit]) -> list[Broken]:
    """Whether a planned dose stays below the ceiling, which nobody overrides.

    FAQ: the first dose is lower and rises with each infusion, always below anesthetic.
    """
    found = outside({MEASURES[dose.scale][0]: judged(dose, weight_g)}, limits)
    return [Broken("dose_ceiling", each.detail, each.source, _field(dose)) for each in found]


def broken_by_step(
    dose: Amount, weight_g: int, highest: int | None, limits: Iterable[Limit], reason: str | None
) -> list[Broken]:
    """Whether a planned dose is a first one, or a step from those before it, as the limits have it.

    `highest` is the most that the series has had, as the limits judge it; nothing before its first.
    Past a soft limit the prescriber says why.
    """
    counts = judged(dose, weight_g)
    if highest is None:
        rule, found = "first_dose_high", {MEASURES[dose.scale][1]: counts}
    else:
        rule, found = "dose_step_high", {Measure.DOSE_STEP_PCT: -(-counts * 100 // highest)}
    return [
        Broken(
            rule,
            each.detail if each.hard else f"{each.detail} Plan less, or say why in reason.",
            each.source,
            _field(dose),
        )
        for each in outside(found, limits)
        if each.hard or reason is None
    ]


def _field(dose: Amount) -> str:
    return f"dose_{dose.scale}"


def broken_by_planned(plan: PlannedBefore | None, seen: UUID | None) -> list[Broken]:
    """Whether a plan replaces another one that whoever plans did not know of."""
    if seen == (None if plan is None else plan.plan_id):
        return []
    if plan is None:
        return [
            Broken(
                "planned_meanwhile",
                "No dose is planned for this visit yet; plan it without instead_of.",
                ONE_AFTER_THE_OTHER,
                "instead_of",
            )
        ]
    return [
        Broken(
            "planned_meanwhile",
            f"{plan.dose} are planned for this visit, by {plan.planned_by}. Look at that plan, and"
            " send its plan_id as instead_of to replace it.",
            ONE_AFTER_THE_OTHER,
            "instead_of",
            found=str(plan.plan_id),
        )
    ]


def broken_by_weight(
    weight_g: int, before_g: int | None, limits: Iterable[Limit], reason: str | None
) -> list[Broken]:
    """Whether a weight can be the patient's, by the one that the last plan of another visit had.

    A dose per kilogram is only as right as its weight: past a soft limit the prescriber says why.
    """
    if before_g is None:
        return []
    change_pct = -(-abs(weight_g - before_g) * 100 // before_g)
    return [
        Broken(
            "weight_changed",
            f"{each.detail} The last plan had {_kg(before_g)}, this one has {_kg(weight_g)}."
            + ("" if each.hard else " Weigh again; if it is right, say why in reason."),
            each.source,
            "weight_g",
        )
        for each in outside({Measure.WEIGHT_CHANGE_PCT: change_pct}, limits)
        if each.hard or reason is None
    ]


def _kg(weight_g: int) -> str:
    return f"{Decimal(weight_g).scaleb(-3).normalize():f} kg"


def is_signed_for(signed_against: int | None, highest: int | None) -> bool:
    """Whether a reason speaks of the step that a plan is by now.

    It was given for a first dose, or for a step from what the series had had by then; from more
    than that the step is smaller, and signed for all the more.
    """
    if signed_against is None or highest is None:
        return signed_against is highest
    return highest >= signed_against


def unplanned(field: str) -> Broken:
    detail = "No dose is planned for this visit; a prescriber plans it before the drip."
    return Broken("dose_not_planned", detail, PRESCRIBED, field)


def broken_by_given(
    *,
    planned: Amount,
    drawn: Amount,
    given: Amount,
    unit: DoseUnit | None,
    aborted: bool,
    off_plan_pct: int,
    reason: str | None,
) -> list[Broken]:
    """Whether what ran can be what was drawn up. More than was planned, or far less, says why.

    Less of a drip that was aborted is told by the abort. All three are of one scale.
    """
    broken, field = [], f"given_{given.scale}"
    if given.parts > drawn.parts:
        broken.append(
            Broken(
                "dose_above_drawn",
                f"{given.in_unit(unit)} ran and {drawn.in_unit(unit)} were drawn up; no more can"
                " run.",
                "what is drawn up is given or wasted",
                field,
            )
        )
    short = not aborted and given.parts * 100 < planned.parts * (100 - off_plan_pct)
    if reason is None and (short or given.parts > planned.parts):
        broken.append(
            Broken(
                "dose_off_plan",
                f"{given.in_unit(unit)} ran and {planned.in_unit(unit)} were planned; check the"
                " figure, and if it is right say why in off_plan_reason.",
                "the practice's figure dose_off_plan_pct" if short else PRESCRIBED,
                field,
            )
        )
    return broken


def broken_by_recorded(*, recorded: bool) -> list[Broken]:
    if not recorded:
        return []
    detail = (
        "What ran is on record. A mistake in it is amended, signed and with the reason, at"
        " …/dose/amendments; what stood there is kept."
    )
    return [Broken("dose_recorded_already", detail, RECORDS, "appointment_id")]


def broken_by_witness(*, wasted: bool, witnessed: bool, by_whom_it_gave: bool) -> list[Broken]:
    """Whether this person can witness what was left."""
    source = "the practice's rule: waste of a controlled substance has a second person"
    if not wasted or witnessed:
        detail = "Nothing waits for a witness; right would be a recorded dose with waste."
        return [Broken("nothing_to_witness", detail, source, "appointment_id")]
    if by_whom_it_gave:
        detail = "Who recorded the dose cannot witness its waste; a second person signs in."
        return [Broken("witness_is_giver", detail, source, "appointment_id")]
    return []


WITNESS_WASTE = (
    "Something of the drug is left over, and a second person has not confirmed it: have one who did"
    " not record the dose sign in and witness it, or amend the record where it is wrong."
)
