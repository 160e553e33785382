"""A patient disputes a bill against its estimate, before the federal entity: 45 CFR 149.620.

From its beginning to its end nothing is collected: the bill goes to no collector, no fee for being
late accrues, and nobody is threatened with either (149.620(c)(5), (6)).
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from shared.money import dollars
from shared.refusals import Broken

MAY_BEGIN_WITHIN = timedelta(days=120)  # 149.620(c)(1): calendar days from the initial bill


class Outcome(StrEnum):
    """How a dispute ended. `settled` and `for_patient` name what is owed instead."""

    WITHDRAWN = "withdrawn"
    SETTLED = "settled"
    FOR_CLINIC = "for_clinic"
    FOR_PATIENT = "for_patient"


NAMES_A_SUM = frozenset({Outcome.SETTLED, Outcome.FOR_PATIENT})


def broken_by_opening(
    *,
    is_issued: bool,
    is_patients: bool,
    is_open: bool,
    billed_on: date,
    begun_on: date,
    reference: str | None,
    today: date,
) -> list[Broken]:
    """What forbids recording a dispute. One that the federal entity took up is recorded anyway."""
    broken = []
    if not (is_issued and is_patients):
        broken.append(
            Broken(
                "estimate_not_issued",
                "Only an estimate that a patient was given can be disputed.",
                "45 CFR 149.620(b)(1)",
            )
        )
    if is_open:
        broken.append(
            Broken(
                "estimate_dispute_open",
                "A dispute of this estimate is open already. Close it first:"
                " GET /estimate-disputes.",
                "45 CFR 149.620(c)",
            )
        )
    if not billed_on <= begun_on <= today:
        broken.append(
            Broken(
                "dispute_days",
                "A dispute begins on or after the day of the bill, and not in the future. Check"
                " billed_on and begun_on.",
                "45 CFR 149.620(c)(1)",
                "begun_on",
            )
        )
    elif begun_on - billed_on > MAY_BEGIN_WITHIN and reference is None:
        broken.append(
            Broken(
                "dispute_too_late",
                f"A dispute begins within {MAY_BEGIN_WITHIN.days} calendar days of the bill. Where"
                " it was taken up all the same, give the reference of that notice.",
                "45 CFR 149.620(c)(1)",
                "begun_on",
            )
        )
    return broken


def broken_by_closing(
    *, is_closed: bool, outcome: Outcome, owed_cents: int | None, billed_cents: int
) -> list[Broken]:
    """What forbids closing a dispute. `billed_cents` is what the series is charged by now."""
    if is_closed:
        return [
            Broken(
                "estimate_dispute_closed", "This dispute is closed already.", "a dispute ends once"
            )
        ]
    if (outcome in NAMES_A_SUM) != (owed_cents is not None):
        return [
            Broken(
                "dispute_sum",
                "Say what is owed (owed_cents) where the outcome is settled or for_patient, and"
                " only there.",
                "45 CFR 149.620(f)",
                "owed_cents",
            )
        ]
    if owed_cents is not None and billed_cents > owed_cents:
        return [
            Broken(
                "billed_above_outcome",
                f"The series is billed {dollars(billed_cents)} still, and {dollars(owed_cents)} is"
                " owed. Give up the rest (POST /charges/{charge_id}/adjustments), or refund it,"
                " and close the dispute then: collecting goes on with its end.",
                "45 CFR 149.620(f)",
                "owed_cents",
            )
        ]
    return []


HOLD_OF_ESTIMATE_DISPUTE = Broken(
    "hold_of_estimate_dispute",
    "This hold is of a dispute that is open. It ends with it:"
    " POST /estimate-disputes/{dispute_id}/closure.",
    "45 CFR 149.620(c)(5) and (6)",
)
