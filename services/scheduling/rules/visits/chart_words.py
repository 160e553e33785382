"""What a chart names in one word: what is given beforehand, and what may come with an infusion."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from shared.refusals import Broken

OTHER = "other"
"""An adverse event of no other name, told in words."""


class WordKind(StrEnum):
    PREMEDICATION = "premedication"
    ADVERSE_EVENT = "adverse_event"


def broken_by_word(word: str, in_use: Collection[str], field: str) -> list[Broken]:
    """Whether a chart may name this today."""
    if word in in_use:
        return []
    return [
        Broken(
            "word_not_in_use",
            f"The chart knows no such {field} today; right would be one of"
            f" {', '.join(sorted(in_use))}. A prescriber adds another.",
            "the words of the chart on record (/chart-words)",
            field,
        )
    ]


def broken_by_unsaid(kind: WordKind, word: str, *, in_use: bool) -> list[Broken]:
    """Whether every adverse event could still be noted."""
    if in_use or (kind, word) != (WordKind.ADVERSE_EVENT, OTHER):
        return []
    return [
        Broken(
            "other_stays",
            "Without it an event that has no word of its own could not be noted; leave it in use.",
            "the practice's rule: nothing that happens to a patient is unsaid",
            "in_use",
        )
    ]
