"""The dose of an infusion: planned below a ceiling, recorded with its lot, its waste witnessed.

Amounts are whole micrograms, weights whole grams.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from services.scheduling.rules.readings import Limit, Measure, outside
from shared.refusals import Broken


class DoseState(StrEnum):
    NONE = "none"
    PLANNED = "planned"
    WASTE_UNWITNESSED = "waste_unwitnessed"
    RECORDED = "recorded"


def dose_state(*, planned: bool, given: bool, wasted: bool, witnessed: bool) -> DoseState:
    if not planned:
        return DoseState.NONE
    if not given:
        return DoseState.PLANNED
    return DoseState.WASTE_UNWITNESSED if wasted and not witnessed else DoseState.RECORDED


def broken_by_ceiling(dose_ug: int, weight_g: int, limits: Iterable[Limit]) -> list[Broken]:
    """Whether a planned dose stays below the ceiling, which nobody overrides.

    FAQ: the first dose is lower and rises with each infusion, always below anesthetic.
    """
    per_kg = -(-dose_ug * 1000 // weight_g)  # rounded up: never below what would be given
    found = outside({Measure.DOSE_UG_PER_KG: per_kg}, limits)
    return [Broken("dose_ceiling", each.detail, each.source, "dose_ug") for each in found]


def broken_by_given(
    *, planned_ug: int | None, drawn_ug: int, given_ug: int, reason: str | None
) -> list[Broken]:
    """Whether what ran can be what was drawn up. More than was planned says why."""
    if planned_ug is None:
        return [
            Broken(
                "dose_not_planned",
                "No dose is planned for this visit; a prescriber plans it before the drip.",
                "FAQ: ketamine is prescribed and monitored, certain times and amounts",
                "appointment_id",
            )
        ]
    broken = []
    if given_ug > drawn_ug:
        broken.append(
            Broken(
                "dose_above_drawn",
                f"{given_ug} micrograms ran and {drawn_ug} were drawn up; no more can run.",
                "what is drawn up is given or wasted",
                "given_ug",
            )
        )
    if given_ug > planned_ug and reason is None:
        broken.append(
            Broken(
                "dose_above_plan",
                f"{given_ug} micrograms ran and {planned_ug} were planned; check the figure, and"
                " if it is right say why in above_plan_reason.",
                "FAQ: ketamine is prescribed and monitored, certain times and amounts",
                "given_ug",
            )
        )
    return broken


def broken_by_recorded(*, recorded: bool) -> list[Broken]:
    if not recorded:
        return []
    return [
        Broken(
            "dose_recorded_already",
            "What ran is on record; it is never changed.",
            "21 CFR 1304.22(c): what is administered of a controlled substance is recorded",
            "appointment_id",
        )
    ]


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
