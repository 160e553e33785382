"""What a prescriber may sign against a rule: more infusions than planned, sooner, or later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.scheduling.rules.series.gaps import gap_in_days, local_days, right_gap
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol
from shared.refusals import Broken

INFUSIONS_MAX = 20
"""The house's limit, for a mistyped number; the table of protocols has the same."""

SIGNED = "a prescriber's signed override; FAQ: 6 infusions are not set in stone"


class Signed(StrEnum):
    """Everything that is signed against a rule, or against what stood on record before."""

    SIZE = "series_size"
    GAP = "series_gap"
    LONG_GAP = "series_long_gap"
    DRUG_GAP = "drug_gap"
    VITALS = "vitals"
    DOSE_NOT_GIVEN = "dose_not_given"
    TRANSFER = "transfer"
    WALK_OUT = "walk_out"
    END_CORRECTION = "end_correction"
    DOSE_AMENDMENT = "dose_amendment"
    SERIES_CORRECTION = "series_correction"
    VISIT_CORRECTION = "visit_correction"
    BAN_EXTENSION = "ban_extension"


class Overridden(StrEnum):
    """The rules that an override may lift: the size, the shortest and the longest gap."""

    SIZE = "series_size"
    GAP = "series_gap"
    LONG_GAP = "series_long_gap"
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
    if gap_min_days > protocol.gap_max_days:
        return [
            Broken(
                "override_kind",
                f"A gap of {local_days(gap_min_days)} is longer than the longest, and this override"
                f" is of shorter ones; sign '{Overridden.LONG_GAP}' with gap_max_days.",
                protocol.sources["gap_max_days"],
                "gap_min_days",
            )
        ]
    return [
        Broken(
            "override_needless",
            f"A gap of {local_days(gap_min_days)} is within the rule, which is"
            f" {protocol.gap_min_days} or more; book it without an override.",
            protocol.sources["gap_min_days"],
            "gap_min_days",
        )
    ]


def broken_by_lengthening(protocol: InfusionProtocol, gap_max_days: int) -> list[Broken]:
    """Whether a longer gap needs an override at all."""
    if gap_max_days > protocol.gap_max_days:
        return []
    return [
        Broken(
            "override_needless",
            f"A gap of {local_days(gap_max_days)} is not longer than the longest, which is"
            f" {local_days(protocol.gap_max_days)}; it takes no such override.",
            protocol.sources["gap_max_days"],
            "gap_max_days",
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


def broken_by_resting_size(left: int, standing: int, to_come: Sequence[int]) -> list[Broken]:
    """Whether infusions to come, by their numbers, rest on the word that a series has more.

    `left` is how many it would have without that word, `standing` how many were given or are to be.
    """
    over = min(standing - left, len(to_come))
    if over <= 0:
        return []
    return [
        Broken(
            "series_size",
            f"Without this override the series has {left}, and {standing} stand:"
            f" {_numbered(to_come[-over:])} by this override alone. Cancel as many of what is to"
            " come first.",
            SIGNED,
            "override_id",
        )
    ]


def broken_by_resting_gaps(
    protocol: InfusionProtocol, infusions: Sequence[Infusion], begun: set[int], zone: ZoneInfo
) -> list[Broken]:
    """Which infusions to come rest on the word that they may be nearer, or farther, than the rule.

    `infusions` stand, earliest first; `begun` are the numbers of those that have begun: what was
    given under an override was given.
    """
    return [
        Broken(
            "series_gap",
            f"Infusion {later.sequence_no} stands {local_days(apart)} after infusion"
            f" {earlier.sequence_no} by this override alone; right would be {right_gap(protocol)}."
            " Move or cancel it first.",
            protocol.sources["gap_min_days" if apart < protocol.gap_min_days else "gap_max_days"],
            "override_id",
        )
        for earlier, later in pairwise(infusions)
        if later.sequence_no not in begun
        and not (
            protocol.gap_min_days
            <= (apart := gap_in_days(earlier, later, zone))
            <= protocol.gap_max_days
        )
    ]


def _numbered(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"infusion {numbers[0]}"
    *first, last = map(str, numbers)
    return f"infusions {', '.join(first)} and {last}"


def advice_on_overrides(
    extra_infusions: int, gap_min_days: int | None, gap_max_days: int | None
) -> list[str]:
    """What of a series rests on a prescriber's word, so that nobody takes it for the rule."""
    advice = []
    if extra_infusions:
        advice.append(f"By a prescriber's override the series has {extra_infusions} more.")
    if gap_min_days is not None:
        advice.append(
            f"By a prescriber's override infusions may be {local_days(gap_min_days)} apart."
        )
    if gap_max_days is not None:
        advice.append(
            f"By a prescriber's override infusions may be up to {local_days(gap_max_days)} apart."
        )
    return advice
