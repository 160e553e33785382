"""Two files of one person: when one of them may be closed, and what stands in the way.

A file has a history once something was given, held or scored under it. What was told and billed
under an id is never told anew under another one, so only a file without a history is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shared.refusals import Broken

SOURCE = "one person is on file once; what was given and billed stays under the id it was told by"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands under a file. `to_come`: visits, or a plan that is held."""

    history: bool
    to_come: bool
    open_series: bool
    waits: bool
    open_review: bool


def broken_by_closed(merged_into: UUID | None, field: str = "patient_id") -> list[Broken]:
    """Whether a file was merged into another one: nothing is done under it any more."""
    if merged_into is None:
        return []
    detail = f"This file was merged into {merged_into}, of the same person; go on with that one."
    return [Broken("file_merged", detail, SOURCE, field)]


def broken_by_same(patient_id: UUID, into_patient_id: UUID) -> list[Broken]:
    if patient_id != into_patient_id:
        return []
    detail = "A file is merged into another one; name the file that stays."
    return [Broken("merged_with_itself", detail, SOURCE, "into_patient_id")]


def broken_by_unlike(*, alike: bool, said_same: bool) -> list[Broken]:
    """Whether two files that do not look alike are said to be one person's."""
    if alike or said_same:
        return []
    return [
        Broken(
            "not_alike",
            "These files differ in name or birth date. Correct the one that is wrong; where a name"
            " has changed, say other_name_is_same_person.",
            "one person is told from another by name and birth date",
            "other_name_is_same_person",
        )
    ]


def broken_by_standing(duplicate: Standing, *, other_has_history: bool) -> list[Broken]:
    """What of the file that would be closed somebody has to end first, all at once."""
    broken = []
    if duplicate.history:
        detail = (
            "Both files have a history, which stays under the id that it was told and billed by;"
            " keep both, and treat the patient under one of them."
            if other_has_history
            else "Something was given, held or scored under this file, and nothing under the other;"
            " merge the other one into this."
        )
        broken.append(Broken("file_has_history", detail, SOURCE, "patient_id"))
    ended_first = (
        (
            duplicate.to_come,
            "visits_to_come",
            "Visits are to come under this file, or a plan is held; cancel or release them, and"
            " book them for the file that stays.",
        ),
        (
            duplicate.open_series,
            "series_open",
            "A series is open under this file; stop it, and book it for the file that stays.",
        ),
        (
            duplicate.waits,
            "waits_still",
            "This file is on the waiting list; withdraw its wish, and have the file that stays"
            " wait.",
        ),
        (
            duplicate.open_review,
            "review_open",
            "A review of this file waits for a person; write down what was done about it first.",
        ),
    )
    return broken + [
        Broken(rule, detail, SOURCE, "patient_id") for there, rule, detail in ended_first if there
    ]
