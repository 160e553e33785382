"""Screening: what is known of a patient before anything is infused, and until when it holds.

Nobody is clear by default. What screening found holds a patient until a clearance, and neither a
clear screening nor a clearance is for good: the clinician who signs one says until when, for
neither the FAQ nor a guideline that was found gives a figure for all patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.scheduling.rules.patients.intake import Concern
from shared.refusals import Broken

SOURCE = (
    "FAQ: active liver, heart disease, and uncontrolled blood pressure are concerns that may"
    " require a more in-depth clearance"
)
ENDS = "neither the FAQ nor a guideline names an end; the clinician who signs says it"


class Screening(StrEnum):
    """What is known of a patient."""

    NOT_SCREENED = "not_screened"
    CLEAR = "clear"
    CONCERN = "concern"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Screened:
    """What is known of a patient, and the last day on which it holds; none of a concern."""

    screening: Screening
    until: date | None

    def lapsed(self, today: date) -> bool:
        return self.until is not None and self.until < today

    def held(self, today: date) -> bool:
        """Whether a clearance is waited for: none came, or the one that came has run out."""
        lapsed = self.screening is Screening.CLEARED and self.lapsed(today)
        return lapsed or self.screening is Screening.CONCERN


def broken_by_screening(screened: Screened, today: date) -> list[Broken]:
    """What of the screening keeps the drip from starting on a day."""
    match screened.screening:
        case Screening.NOT_SCREENED:
            rule = "screening_missing"
            detail = "Nobody has screened the patient; a clinician records what was found."
        case Screening.CONCERN:
            rule = "clearance_missing"
            detail = "The patient is held; a clearance must be recorded first."
        case Screening.CLEAR if screened.lapsed(today):
            rule = "screening_lapsed"
            detail = f"The screening held until {screened.until}; screen the patient again."
        case Screening.CLEARED if screened.lapsed(today):
            rule = "clearance_lapsed"
            detail = f"The clearance held until {screened.until}; record another one."
        case _:
            return []
    return [Broken(rule, detail, SOURCE, rule.partition("_")[0])]


def advice_on_screening(screened: Screened, today: date, last: date | None) -> list[str]:
    """What of the screening will stand in the way of a series, up to its last day."""
    broken = broken_by_screening(screened, today)
    if broken:
        return [f"{broken[0].detail} No infusion starts before."]
    if last is None or not screened.lapsed(last):
        return []
    return [f"What screening found holds until {screened.until}, and the series goes on to {last}."]


def broken_by_end(until: date | None, today: date, max_days: int) -> list[Broken]:
    """Whether a clear screening or a clearance may hold until this day."""
    if until is None:
        rule = "valid_until_missing"
        detail = "Say until which day it holds; then the patient is screened again."
    elif until < today:
        rule, detail = "valid_until_past", f"{until} is past; take {today} or a later day."
    elif until > today + timedelta(days=max_days):
        rule = "valid_until_far"
        last = today + timedelta(days=max_days)
        detail = f"Nothing holds until {until}; take {last} or an earlier day."
    else:
        return []
    source = "the practice's figure screening_max_days" if rule == "valid_until_far" else ENDS
    return [Broken(rule, detail, source, "valid_until")]


def broken_by_finding(
    concerns: Sequence[Concern], until: date | None, today: date, max_days: int
) -> list[Broken]:
    """Whether a screening says what it found, or until when it found nothing."""
    if not concerns:
        return broken_by_end(until, today, max_days)
    if until is None:
        return []
    return [
        Broken(
            "concern_without_end",
            "What screening found holds the patient until a clearance; leave valid_until out.",
            SOURCE,
            "valid_until",
        )
    ]


def broken_by_clearance(screened: Screened, until: date, today: date) -> list[Broken]:
    """Whether there is something to clear, or to clear for longer."""
    if screened.held(today):
        return []
    if screened.screening is Screening.CLEARED:
        if screened.until is not None and until > screened.until:
            return []
        rule = "cleared_already"
        detail = f"The patient is cleared until {screened.until}; a later day renews it."
    else:
        rule = "not_held"
        detail = "The patient is not held; a clearance ends a hold that screening set."
    return [Broken(rule, detail, SOURCE, "patient_id")]
