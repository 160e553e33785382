"""Which figures may be recorded, and from which day on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Protocol

from shared.refusals import Broken

LONGEST_VISIT_MIN = 12 * 60
"""The house's limit, for a mistyped figure; the FAQ's longest visit takes four hours."""


class _Dated(Protocol):
    @property
    def effective_from(self) -> date: ...


class _Revised(_Dated, Protocol):
    @property
    def revision(self) -> int: ...


CLINICAL = frozenset(
    {
        "fasting_min",
        "no_drive_min",
        "ride_needed",
        "drug",
        "route",
        "is_controlled",
        "gap_min_days",
        "least_age_years",
        "begins_in_ban",
        "dose_needed",
        "dose_unit",
        "vitals_needed",
        "orientation_needed",
    }
)
"""What of a visit type opens or shuts a gate, or says what is given, how near and to whom."""


def broken_by_unsigned(clinical: Iterable[str]) -> list[Broken]:
    """What is recorded, or taken back, without a prescriber's name; `clinical` are its names."""
    names = sorted(clinical)
    if not names:
        return []
    return [
        Broken(
            "signature_missing",
            f"A prescriber signs what is clinical: {', '.join(names)}. Have one sign in and name"
            " themselves.",
            "the house's: what a gate asks, and how a drug is given, is a clinical judgment",
            "clinician_id",
        )
    ]


def next_revision(day: date, rows: Iterable[_Revised]) -> int:
    """Which revision of its first day a row is that is recorded now: the last one counts."""
    return 1 + max((row.revision for row in rows if row.effective_from == day), default=0)


def broken_by_force(first_day: date, today: date) -> list[Broken]:
    """Whether a figure can be taken back: on no day has anything been decided by it."""
    if first_day > today:
        return []
    return [
        Broken(
            "figure_in_force",
            f"It is in force since {first_day}; record another one, from today on or later.",
            "what was decided stays explained by the figures it was decided by",
            "kind",
        )
    ]


def broken_by_past(day: date, today: date, field: str) -> list[Broken]:
    if day >= today:
        return []
    return [
        Broken(
            "first_day_past",
            f"{day} is past; take {today} or a later day.",
            "what was decided stays explained by the figures it was decided by",
            field,
        )
    ]


def broken_by_length(values: Mapping[str, Any]) -> list[Broken]:
    whole = (values["booked_min"] or 0) + values["recovery_min"]
    if whole <= LONGEST_VISIT_MIN:
        return []
    return [
        Broken(
            "visit_length",
            f"A visit of {whole} minutes with its recovery is too long; at most"
            f" {LONGEST_VISIT_MIN} are right.",
            "the house's limit, for a mistyped figure",
            "booked_min",
        )
    ]


def broken_by_type_there(*, is_there: bool) -> list[Broken]:
    if not is_there:
        return []
    return [
        Broken(
            "visit_type_there",
            "A visit type of this code is on record; take another code, or record its figures.",
            "a code stands for one visit type, in bills and statements too",
            "visit_type",
        )
    ]


def broken_by_drug(values: Mapping[str, Any]) -> list[Broken]:
    """Whether what is said of a drug has a drug that it is said of."""
    said = ("route", "is_controlled", "gap_min_days", "dose_needed", "dose_unit")
    if values["drug"] is None and any(values[name] for name in said):
        return [
            Broken(
                "drug_missing",
                "A route, a schedule, a gap, a dose and its unit are a drug's; name the drug, or"
                " leave them out.",
                "gaps are counted between visits that give the same drug",
                "drug",
            )
        ]
    if values["is_controlled"] and not values["dose_needed"]:
        return [
            Broken(
                "dose_of_controlled",
                "What runs of a controlled drug is on record; have its dose asked.",
                "21 CFR 1304.22(c): what is administered of a controlled substance is recorded",
                "dose_needed",
            )
        ]
    if values["dose_needed"] and values["dose_unit"] is None:
        return [
            Broken(
                "dose_unit_missing",
                "A dose that is asked has its unit; name the one in which the drug is measured.",
                "ISMP: a dose is written with its unit",
                "dose_unit",
            )
        ]
    return []


def broken_by_driving_ban(no_drive_min: int, first_min: int) -> list[Broken]:
    """A clinic may forbid driving for longer than its own public word says, never for less."""
    if no_drive_min >= first_min:
        return []
    return [
        Broken(
            "driving_ban_shorter",
            f"A driving ban of {no_drive_min} minutes is shorter than the {first_min} that patients"
            " are told; right would be as many or more.",
            "FAQ: no driving for 6 hours after an infusion",
            "no_drive_min",
        )
    ]


def broken_by_sizes(values: Mapping[str, Any]) -> list[Broken]:
    """Whether a protocol's figures fit each other."""
    rising = (("size_min", "size_max"), ("gap_min_days", "gap_advised_days"))
    return [
        Broken(
            "figures_order",
            f"{least} is {values[least]} and {most} is {values[most]}; the first is at most the"
            " second.",
            "a least figure is not above a greatest one",
            least,
        )
        for least, most in (*rising, ("gap_advised_days", "gap_max_days"))
        if values[least] > values[most]
    ]


def broken_by_no_shift(shifts: int) -> list[Broken]:
    """Whether a roster has anybody on duty; with nobody, nobody could ever be booked."""
    if shifts:
        return []
    return [
        Broken(
            "roster_empty",
            "This roster has no shift, so that nobody could be booked from its first day on; name"
            " the shifts, or record a closure for days on which the place is closed.",
            "nurses on duty watch the chairs",
            "shifts",
        )
    ]


def broken_by_overlap(windows: Sequence[tuple[int, str, str]]) -> list[Broken]:
    """Whether two windows of one weekday meet. Each is a weekday, from and until."""
    return [
        Broken(
            "windows_overlap",
            f"On weekday {one[0]} the hours {one[1]} to {one[2]} and {other[1]} to {other[2]}"
            " overlap; name them as one.",
            "hours of one day are apart",
            "windows",
        )
        for one, other in pairwise(sorted(windows))
        if one[0] == other[0] and other[1] < one[2]
    ]
