"""A treatment: one visit in a chair outside a series, such as a booster infusion or vitamins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy, VisitFigures
from services.scheduling.rules.series.earlier import Earlier
from services.scheduling.rules.series.gaps import local_days
from shared.refusals import Broken, unknown


def broken_by_type(policy: Policy, figures: VisitFigures | None) -> list[Broken]:
    """Whether visits of a type can be booked by themselves in a chair."""
    if figures is None:
        return [unknown("visit type", "visit_type")]
    if policy.in_series:
        return [
            Broken(
                "type_in_series",
                "Such infusions are given as a series; plan one, or book a maintenance infusion.",
                "FAQ: six sessions and up to 8 initial infusions; later ones are enhancements",
                "visit_type",
            )
        ]
    if not figures.chair_needed:
        return [
            Broken(
                "chair_needless",
                "Such a visit takes no chair; book it as a session.",
                figures.sources["chair_needed"],
                "visit_type",
            )
        ]
    if figures.booked_min is None:
        return [
            Broken(
                "duration_missing",
                "No length is on record for such a visit; record it with its source first.",
                figures.sources["booked_min"],
                "visit_type",
            )
        ]
    return []


def nearest_days(given: Sequence[Earlier], starts_at: datetime, zone: ZoneInfo) -> int | None:
    """How many local days lie between a visit and the nearest other one; None without another."""
    day = starts_at.astimezone(zone).date()
    apart = [abs((day - _day(each, zone)).days) for each in given]
    return min(apart, default=None)


def broken_by_gap(
    figures: VisitFigures,
    signed_days: int | None,
    given: Sequence[Earlier],
    starts_at: datetime,
    zone: ZoneInfo,
) -> list[Broken]:
    """Whether a treatment is too near to another visit that gives the same drug.

    `signed_days` is how near a prescriber's override lets it be.
    """
    apart = nearest_days(given, starts_at, zone)
    least = figures.gap_min_days
    if apart is None or least is None or apart >= (least if signed_days is None else signed_days):
        return []
    day = starts_at.astimezone(zone).date()
    [near, *_] = (_day(each, zone) for each in given if abs((day - _day(each, zone)).days) == apart)
    return [
        Broken(
            "drug_gap",
            f"The patient is given {figures.drug} on {near} too, {local_days(apart)} from {day};"
            f" right would be at least {least}. Take another day, or have a prescriber sign that"
            " it is given sooner.",
            figures.sources["gap_min_days"],
            "starts_at",
        )
    ]


def broken_by_needless(figures: VisitFigures) -> Broken:
    """An override that lifts nothing, so that none is signed for the sake of it."""
    return Broken(
        "override_needless",
        "No other visit that gives the same drug is too near; book it without an override.",
        figures.sources["gap_min_days"],
        "sooner",
    )


def _day(each: Earlier, zone: ZoneInfo) -> date:
    return each.begins_at.astimezone(zone).date()
