"""What a prescriber may sign against a rule: more infusions than planned, and sooner."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from services.scheduling.rules.series.gaps import local_days
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.refusals import Broken

INFUSIONS_MAX = 20
"""The house's limit, for a mistyped number; the table of protocols has the same."""

SIGNED = "a prescriber's signed override; FAQ: 6 infusions are not set in stone"


class Signed(StrEnum):
    """Everything that is signed against a rule: of a series, a treatment, a reading or a visit."""

    SIZE = "series_size"
    GAP = "series_gap"
    DRUG_GAP = "drug_gap"
    VITALS = "vitals"
    DOSE_NOT_GIVEN = "dose_not_given"
    TRANSFER = "transfer"
    WALK_OUT = "walk_out"


class Overridden(StrEnum):
    """The rules that an override may lift. No other rule has one, the longest gap least of all."""

    SIZE = "series_size"
    GAP = "series_gap"
    DRUG_GAP = "drug_gap"


def broken_by_extension(infusions: int, more: int) -> list[Broken]:
    if infusions + more <= INFUSIONS_MAX:
        return []
    return [
        Broken(
            "series_size",
            f"{more} more than {infusions} are too many for one series; at most {INFUSIONS_MAX} are"
            " right.",
            "the house's limit, for a mistyped number",
            "infusions",
        )
    ]


def broken_by_lateness(protocol: InfusionProtocol, last: date, today: date) -> list[Broken]:
    """Whether a completed series can still be extended, by the day of its last infusion."""
    if (today - last).days <= protocol.gap_max_days:
        return []
    return [
        Broken(
            "extension_late",
            f"The last infusion was given on {last}; a series is extended within"
            f" {local_days(protocol.gap_max_days)} of it. What comes later is another series.",
            protocol.sources["gap_max_days"],
            "series_id",
        )
    ]


def broken_by_succession(protocol: InfusionProtocol, gap_min_days: int) -> list[Broken]:
    """Whether a shorter gap needs an override at all."""
    if gap_min_days < protocol.gap_min_days:
        return []
    return [
        Broken(
            "override_needless",
            f"A gap of {local_days(gap_min_days)} is within the rule, which is"
            f" {protocol.gap_min_days} or more; book it without an override.",
            protocol.sources["gap_min_days"],
            "gap_min_days",
        )
    ]


def broken_by_withdrawn(*, withdrawn: bool) -> list[Broken]:
    if not withdrawn:
        return []
    return [
        Broken(
            "override_withdrawn",
            "The override was withdrawn already.",
            "an override's life: signed, perhaps withdrawn",
            "override_id",
        )
    ]


def advice_on_overrides(extra_infusions: int, gap_min_days: int | None) -> list[str]:
    """What of a series rests on a prescriber's word, so that nobody takes it for the rule."""
    advice = []
    if extra_infusions:
        advice.append(f"By a prescriber's override the series has {extra_infusions} more.")
    if gap_min_days is not None:
        advice.append(
            f"By a prescriber's override infusions may be {local_days(gap_min_days)} apart."
        )
    return advice
