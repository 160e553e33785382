"""Readings of a patient at a visit, and the limits that they are judged by.

Limits are figures of the practice, with a source and a first day each; no number agreed on by the
field exists, so a clinician signs them off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from shared.refusals import Broken


class Measure(StrEnum):
    """What a limit is about, the unit last.

    A dose of a mass is judged per kilogram, one of a volume or of international units as a whole.
    `DOSE_STEP_PCT` is a planned dose against the highest that the series has had,
    `WEIGHT_CHANGE_PCT` the weight of a plan against that of the patient's plan before.
    """

    SYSTOLIC_MMHG = "systolic_mmhg"
    DIASTOLIC_MMHG = "diastolic_mmhg"
    PULSE_BPM = "pulse_bpm"
    SPO2_PCT = "spo2_pct"
    DOSE_UG_PER_KG = "dose_ug_per_kg"
    FIRST_DOSE_UG_PER_KG = "first_dose_ug_per_kg"
    DOSE_UL = "dose_ul"
    FIRST_DOSE_UL = "first_dose_ul"
    DOSE_MIU = "dose_miu"
    FIRST_DOSE_MIU = "first_dose_miu"
    DOSE_STEP_PCT = "dose_step_pct"
    WEIGHT_CHANGE_PCT = "weight_change_pct"


class Phase(StrEnum):
    """When in a visit a reading was taken."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Limit:
    """Inside the soft limits is right; between soft and hard a clinician may sign; past hard, no.

    None is no limit on that side.
    """

    measure: Measure
    effective_from: date
    hard_low: int | None
    soft_low: int | None
    soft_high: int | None
    hard_high: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A value that is outside a limit."""

    measure: Measure
    value: int
    hard: bool
    detail: str
    source: str


@dataclass(frozen=True, slots=True)
class Wording:
    """How people say a measure: its name, its unit, and how many decimals of what is counted."""

    name: str
    unit: str
    decimals: int = 0


SAID: dict[Measure, Wording] = {
    Measure.SYSTOLIC_MMHG: Wording("Systolic pressure", " mmHg"),
    Measure.DIASTOLIC_MMHG: Wording("Diastolic pressure", " mmHg"),
    Measure.PULSE_BPM: Wording("Pulse", " beats per minute"),
    Measure.SPO2_PCT: Wording("Oxygen saturation", " %"),
    Measure.DOSE_UG_PER_KG: Wording("Dose", " mg/kg", 3),
    Measure.FIRST_DOSE_UG_PER_KG: Wording("First dose", " mg/kg", 3),
    Measure.DOSE_UL: Wording("Dose", " mL", 3),
    Measure.FIRST_DOSE_UL: Wording("First dose", " mL", 3),
    Measure.DOSE_MIU: Wording("Dose", " IU", 3),
    Measure.FIRST_DOSE_MIU: Wording("First dose", " IU", 3),
    Measure.DOSE_STEP_PCT: Wording("This dose is", " % of the highest of the series so far"),
    Measure.WEIGHT_CHANGE_PCT: Wording("The weight differs by", " % from the plan before"),
}


def in_words(measure: Measure, value: int) -> str:
    """`95 mmHg`, `0.999 mg/kg`."""
    said = SAID[measure]
    return f"{Decimal(value).scaleb(-said.decimals):f}{said.unit}"


def outside(values: Mapping[Measure, int], limits: Iterable[Limit]) -> list[Outside]:
    """Which values are outside their limits, each judged by the hard limit first."""
    found = []
    for limit in limits:
        value = values.get(limit.measure)
        if value is None:
            continue
        hard = _is_past(value, limit.hard_low, limit.hard_high)
        if hard or _is_past(value, limit.soft_low, limit.soft_high):
            least, most = (
                (limit.hard_low, limit.hard_high) if hard else (limit.soft_low, limit.soft_high)
            )
            said = _said(limit.measure, value, least, most, hard=hard)
            found.append(Outside(limit.measure, value, hard, said, limit.source))
    return found


def _is_past(value: int, least: int | None, most: int | None) -> bool:
    return (least is not None and value < least) or (most is not None and value > most)


def _said(measure: Measure, value: int, least: int | None, most: int | None, *, hard: bool) -> str:
    kind = "hard" if hard else "soft"
    right = " and ".join(
        f"{word} {in_words(measure, bound)}"
        for word, bound in (("at least", least), ("at most", most))
        if bound is not None
    )
    return (
        f"{SAID[measure].name} {in_words(measure, value)}, past the {kind} limit; right would be"
        f" {right}."
    )


def broken_by_values(systolic_mmhg: int, diastolic_mmhg: int) -> list[Broken]:
    if diastolic_mmhg < systolic_mmhg:
        return []
    return [
        Broken(
            "vitals_order",
            f"A pressure of {systolic_mmhg} over {diastolic_mmhg} cannot be; the first is the"
            " higher one.",
            "systolic pressure is above diastolic pressure",
            "diastolic_mmhg",
        )
    ]


def broken_by_limit_order(
    hard_low: int | None, soft_low: int | None, soft_high: int | None, hard_high: int | None
) -> list[Broken]:
    """Whether four limits lie in their order, those that are not set left out."""
    bounds = [each for each in (hard_low, soft_low, soft_high, hard_high) if each is not None]
    if bounds and bounds == sorted(bounds):
        return []
    return [
        Broken(
            "limits_order",
            "Right would be at least one limit, and hard_low, soft_low, soft_high, hard_high"
            " rising in this order.",
            "a soft limit is reached before its hard one",
            "soft_high",
        )
    ]


LIKELY: dict[Measure, tuple[int, int]] = {
    Measure.SYSTOLIC_MMHG: (20, 350),
    Measure.DIASTOLIC_MMHG: (10, 250),
    Measure.PULSE_BPM: (10, 350),
    Measure.SPO2_PCT: (30, 100),
    Measure.DOSE_UG_PER_KG: (1, 100_000),
    Measure.FIRST_DOSE_UG_PER_KG: (1, 100_000),
    Measure.DOSE_UL: (1, 1_000_000_000),
    Measure.FIRST_DOSE_UL: (1, 1_000_000_000),
    Measure.DOSE_MIU: (1, 1_000_000_000),
    Measure.FIRST_DOSE_MIU: (1, 1_000_000_000),
    Measure.DOSE_STEP_PCT: (100, 1000),
    Measure.WEIGHT_CHANGE_PCT: (1, 100),
}
"""What can be read of a living patient, or given to one: a limit beyond it is none."""


def broken_by_unlikely_limit(measure: Measure, bounds: Iterable[int | None]) -> list[Broken]:
    """Whether a limit is one that somebody could ever reach."""
    least, most = LIKELY[measure]
    unlikely = [each for each in bounds if each is not None and not least <= each <= most]
    if not unlikely:
        return []
    return [
        Broken(
            "limit_unlikely",
            f"{in_words(measure, unlikely[0])} is no likely limit here; right would be"
            f" {in_words(measure, least)} to {in_words(measure, most)}.",
            "the house's limit, for a mistyped figure",
            "measure",
        )
    ]


CEILINGS = frozenset({Measure.DOSE_UG_PER_KG, Measure.DOSE_UL, Measure.DOSE_MIU})
"""The measures that hold a whole dose below a ceiling."""


def broken_by_ceiling_raised(
    measure: Measure, hard_high: int | None, first: Limit | None
) -> list[Broken]:
    """Whether a ceiling of the dose stays: it may be lowered, and never raised or left out."""
    if measure not in CEILINGS or first is None or first.hard_high is None:
        return []
    if hard_high is not None and hard_high <= first.hard_high:
        return []
    return [
        Broken(
            "dose_ceiling_raised",
            f"A ceiling of the dose is {in_words(measure, first.hard_high)} or less.",
            first.source,
            "hard_high",
        )
    ]


@dataclass(frozen=True, slots=True)
class Vitals:
    """The newest reading of a phase, as a gate sees it."""

    taken_at: datetime
    outside: tuple[Outside, ...]
    overridden: bool


def broken_by_vitals(
    vitals: Vitals | None, now: datetime, fresh_min: int, when: str
) -> list[Broken]:
    """What of the newest reading keeps a gate shut. A hard limit has no override."""
    if vitals is None:
        return [
            Broken(
                "vitals_missing",
                f"No vitals are on record from {when}; take them.",
                "Spravato's REMS form asks for vitals before and at the end; the practice asks it"
                " of every infusion",
                "vitals",
            )
        ]
    broken = []
    if now - vitals.taken_at > timedelta(minutes=fresh_min):
        broken.append(
            Broken(
                "vitals_stale",
                f"The vitals are older than {fresh_min} minutes; take them again.",
                "the practice's figure reading_fresh_min",
                "vitals",
            )
        )
    for each in vitals.outside:
        if each.hard:
            broken.append(
                Broken(
                    "vitals_hard_limit",
                    f"{each.detail} Nobody can override it; wait and take them again, or send the"
                    " patient home.",
                    each.source,
                    each.measure,
                )
            )
        elif not vitals.overridden:
            broken.append(
                Broken(
                    "vitals_soft_limit",
                    f"{each.detail} Take them again, or have a prescriber sign an override.",
                    each.source,
                    each.measure,
                )
            )
    return broken


def broken_by_override(vitals: Vitals | None) -> list[Broken]:
    """Whether there is something that a prescriber's word can let pass."""
    source = "an override is of one reading, between its soft and its hard limits"
    if vitals is None or not vitals.outside:
        return [
            Broken(
                "nothing_to_override",
                "No reading waits for an override; right would be one past a soft limit.",
                source,
                "appointment_id",
            )
        ]
    if any(each.hard for each in vitals.outside):
        return [
            Broken(
                "hard_limit",
                "The newest reading is past a hard limit, which nobody overrides; take it again.",
                source,
                "appointment_id",
            )
        ]
    if vitals.overridden:
        return [
            Broken(
                "overridden_already",
                "The newest reading has its override; a later one takes one of its own.",
                source,
                "appointment_id",
            )
        ]
    return []
