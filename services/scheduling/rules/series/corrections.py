"""What of a series can be put right, and until when."""

from __future__ import annotations

from uuid import UUID

from services.scheduling.rules.series.course import SeriesState
from shared.refusals import Broken


def broken_by_same(*, changed: bool) -> list[Broken]:
    if changed:
        return []
    detail = "This is what is on record; right would be other diagnoses, or another prescriber."
    return [Broken("correction_empty", detail, "a correction changes something", "diagnoses")]


def broken_by_other_prescriber(state: SeriesState, *, told: bool) -> list[Broken]:
    """Whether somebody else can still answer for a series.

    `told`: SeriesCompleted named its prescriber, and a prescription is drafted for them.
    """
    if state is SeriesState.BOOKED and not told:
        return []
    return [
        Broken(
            "prescriber_told",
            f"The series {'was completed' if told else f'is {state.value}'}, and its prescriber"
            " stands: what it ends in is in their name. They sign it, or cancel it and"
            " another prescriber writes their own.",
            "21 CFR 1306.05: a prescription is its prescriber's",
            "prescriber_id",
        )
    ]


def broken_by_no_codes(*, has_codes: bool, series_id: UUID | None) -> list[Broken]:
    """Whether a visit has diagnoses of its own: a treatment has, and a session that was held."""
    if has_codes:
        return []
    detail = (
        "A session says what it was held for once it was; record that it took place."
        if series_id is None
        else f"This visit is given for what its series is; correct series {series_id}."
    )
    source = "an indication is recorded per series, of other visits per visit"
    return [Broken("no_own_diagnoses", detail, source, "appointment_id")]
