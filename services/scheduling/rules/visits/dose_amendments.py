"""What is on record of a dose, put right: never erased, corrected by a later entry."""

from __future__ import annotations

from services.scheduling.rules.visits.doses import RECORDS
from shared.refusals import Broken


def broken_by_amending(*, recorded: bool, ran: bool, runs: bool, changed: bool) -> list[Broken]:
    """Whether a record can be amended to what is said now: `ran` as it stood, `runs` as it is said.

    That something ran, or that nothing did, was told when it was recorded.
    """
    if not recorded:
        detail = "Nothing of a dose is on record yet; record it."
        return [Broken("dose_not_recorded", detail, RECORDS, "appointment_id")]
    if ran is not runs:
        was, right = ("something", "more than 0") if ran else ("nothing", "0")
        return [
            Broken(
                "dose_ran_told",
                f"It is on record, and told, that {was} ran: the series and the bill go by it."
                f" Right would be a given amount of {right}; what it was, note in the chart.",
                "InfusionCompleted or InfusionAborted is said once",
                "given",
            )
        ]
    if not changed:
        detail = "This is what is on record; right would be what differs from it."
        return [Broken("amendment_empty", detail, RECORDS, "appointment_id")]
    return []
