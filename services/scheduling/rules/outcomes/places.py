"""Where in a course a form belongs: at intake, between two infusions, after the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.scheduling.rules.outcomes.forms import Instrument, Occasion
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.visits.life import VisitState
from shared.refusals import Broken

OLDEST_FORM = datetime(1999, 1, 1, tzinfo=UTC)
"""The PHQ-9 is the oldest of the questionnaires: Spitzer et al., JAMA 1999;282:1737."""


OF_NO_SERIES = Broken(
    "no_infusion",
    "This visit is of no series; record the form as one after the patient's series, or as an"
    " intake's, or name an infusion of a series.",
    "a form before an infusion belongs to that infusion's series",
    "appointment_id",
)


def broken_by_place(occasion: Occasion, *, names_visit: bool, names_series: bool) -> list[Broken]:
    """Whether a form names what its occasion belongs to, and nothing else."""
    named = {"appointment_id": names_visit, "series_id": names_series}
    needed = {
        "appointment_id": occasion is Occasion.BEFORE_INFUSION,
        "series_id": occasion is Occasion.AFTER_SERIES,
    }
    return [
        Broken(
            "occasion_place",
            f"A form of the occasion {occasion} names {'its' if needed[field] else 'no'} {field}.",
            "a form before an infusion belongs to that visit, one after a series to the series",
            field,
        )
        for field in named
        if named[field] != needed[field]
    ]


def broken_by_taken_at(taken_at: datetime, now: datetime) -> list[Broken]:
    if taken_at < OLDEST_FORM:
        return [
            Broken(
                "taken_earlier",
                f"The forms are younger than this; right would be {OLDEST_FORM.year} or later.",
                "the PHQ-9, the oldest of the questionnaires, is of 1999",
                "taken_at",
            )
        ]
    if taken_at <= now:
        return []
    return [
        Broken(
            "taken_later",
            "This moment is yet to come; a form is recorded once it is filled in.",
            "the calendar",
            "taken_at",
        )
    ]


@dataclass(frozen=True, slots=True)
class Drip:
    """What is known of one visit's infusion."""

    sequence_no: int
    state: VisitState
    started_at: datetime | None
    stopped_at: datetime | None


def broken_by_before_infusion(
    visit: Drip, drips: Sequence[Drip], taken_at: datetime
) -> list[Broken]:
    """Whether a form can have been filled in before this infusion of its series."""
    if visit.state in {VisitState.CANCELLED, VisitState.NO_SHOW}:
        return [
            Broken(
                "visit_cancelled",
                "The visit is cancelled; name the one that the form was filled in for.",
                "a form before an infusion belongs to that infusion",
                "appointment_id",
            )
        ]
    source = "a form before an infusion tells of the time since the one before it"
    if visit.started_at is not None and taken_at > visit.started_at:
        detail = f"Infusion {visit.sequence_no} had started by then; right would be a moment"
        return [Broken("taken_after_start", f"{detail} before it.", source, "taken_at")]
    over = [
        (each.stopped_at, each.sequence_no)
        for each in drips
        if each.stopped_at is not None
        and (visit.started_at is None or each.stopped_at <= visit.started_at)
    ]
    if over and taken_at < max(over)[0]:
        detail = f"Infusion {max(over)[1]} was not over by then; right would be a moment"
        return [Broken("taken_too_early", f"{detail} after it.", source, "taken_at")]
    return []


def broken_by_after_series(
    state: SeriesState, drips: Sequence[Drip], taken_at: datetime
) -> list[Broken]:
    """Whether a form can have been filled in after this series."""
    if state is SeriesState.BOOKED:
        return [
            Broken(
                "series_not_over",
                "The series is open; record the form before an infusion, or end the series first.",
                "a form after a series tells of all its infusions",
                "series_id",
            )
        ]
    if any(each.stopped_at is not None and taken_at < each.stopped_at for each in drips):
        return [
            Broken(
                "taken_too_early",
                "The last infusion was not over by then; right would be a moment after it.",
                "a form after a series tells of all its infusions",
                "taken_at",
            )
        ]
    return []


def broken_by_recorded(instrument: Instrument, *, recorded: bool) -> list[Broken]:
    if not recorded:
        return []
    return [
        Broken(
            "recorded_already",
            f"The {instrument} of this occasion is on file; withdraw it first if it is wrong.",
            "a patient fills in each form once per infusion, and after a series once a day",
            "instrument",
        )
    ]
