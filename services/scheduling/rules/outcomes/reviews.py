"""What of an outcome or a visit a person must look at, and when that is done.

Nothing here assesses a patient. It says that somebody must.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from services.scheduling.rules.outcomes.forms import Instrument
from shared.refusals import Broken

PHQ9_SELF_HARM_ITEM = 9
"""PHQ-9, item 9: thoughts of being better off dead or of hurting oneself. Any answer above 0 goes
with more attempts within a year: 0.4 % at 0 to 4 % at 3 (Simon et al., Psychiatr Serv 2013;64:1195,
84,418 patients)."""


class Matter(StrEnum):
    """Why somebody must look."""

    SELF_HARM_ITEM = "self_harm_item"
    NO_RESPONSE = "no_response"
    SERIOUS_EVENT = "serious_event"
    DOSE_ABOVE_CEILING = "dose_above_ceiling"


WHY_A_PRESCRIBER = {
    Matter.NO_RESPONSE: (
        "How a series goes on without a response is the prescriber's to decide.",
        "FAQ: some patients require several more infusions; a person who prescribes says so",
    ),
    Matter.SERIOUS_EVENT: (
        "What a serious event means for the next infusion is the prescriber's to decide.",
        "serious events have their own protocol (musiccity), and whoever prescribes answers for it",
    ),
    Matter.DOSE_ABOVE_CEILING: (
        "How a dose above the ceiling came about is the prescriber's to say.",
        "FAQ: always below anesthetic",
    ),
}


def names_self_harm(instrument: Instrument, answers: Sequence[int | None]) -> bool:
    """Whether a form says something that a person must ask about."""
    answer = answers[PHQ9_SELF_HARM_ITEM - 1 : PHQ9_SELF_HARM_ITEM]
    return instrument is Instrument.PHQ9 and (next(iter(answer), None) or 0) > 0


def urged_by_refused(instrument: Instrument, answers: Sequence[int | None]) -> list[Broken]:
    """What a form that is not recorded still asks of whoever holds it."""
    if not names_self_harm(instrument, answers):
        return []
    return [
        Broken(
            "ask_now",
            f"Item {PHQ9_SELF_HARM_ITEM} asks for a person now; this form is not on file, and"
            " raises no review.",
            "PHQ-9, item 9: thoughts of being better off dead or of hurting oneself",
            f"answers.{PHQ9_SELF_HARM_ITEM - 1}",
        )
    ]


def broken_by_acknowledged(*, acknowledged: bool) -> list[Broken]:
    if not acknowledged:
        return []
    return [
        Broken(
            "acknowledged_already",
            "Somebody has acknowledged this review; read what was done.",
            "the first acknowledgement stands, with who and when",
            "review_id",
        )
    ]


def broken_by_reviewer(matter: Matter, *, prescribes: bool) -> list[Broken]:
    """Whether this person may close the review."""
    if prescribes or matter not in WHY_A_PRESCRIBER:
        return []
    return [Broken("prescriber_needed", *WHY_A_PRESCRIBER[matter], "review_id")]


def broken_by_withdrawn(*, withdrawn: bool) -> list[Broken]:
    if not withdrawn:
        return []
    return [
        Broken(
            "withdrawn_already",
            "The outcome is withdrawn; record the right one.",
            "a mistaken record stays on file, withdrawn once",
            "outcome_id",
        )
    ]
