"""Outcomes: the forms a patient fills in, and how answers become a figure.

How a form is scored has a version, and a score is kept with the version that made it: when a form's
authors change a figure, a new version scores what comes, and what was scored stays explained. Here
stands what all forms share; the forms' own figures stand in `outcomes_scales`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.refusals import Broken


class Instrument(StrEnum):
    PHQ9 = "phq9"
    GAD7 = "gad7"
    PCL5 = "pcl5"
    NRS = "nrs"
    CREYOS = "creyos"


class Occasion(StrEnum):
    """When in a course a form is filled in. After a series it may be asked again, day by day.

    The FAQ: symptoms may recur within weeks, and maintenance is monthly or periodic.
    """

    INTAKE = "intake"
    BEFORE_INFUSION = "before_infusion"
    AFTER_SERIES = "after_series"


@dataclass(frozen=True, slots=True)
class Band:
    """A named part of a scale, from its lowest total on."""

    name: str
    lowest: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """Items that are also summed on their own, and how many of them its criterion needs."""

    name: str
    first: int
    last: int
    needed: int


@dataclass(frozen=True, slots=True)
class Scale:
    """How one form is scored, in one version.

    Every item is answered from 0 to `highest`, and the total is their sum. `judged_from` is the
    least baseline at which a fall says something, `meaningful` the least change that is more than
    noise, both in points. What makes a response or a remission are figures of the house.
    `clusters` are items that a diagnosis counts one by one, each from `endorsed_from` on.
    """

    instrument: Instrument
    version: int
    name: str
    items: int
    highest: int
    bands: tuple[Band, ...]
    judged_from: int
    meaningful: int
    source: str
    clusters: tuple[Cluster, ...] = ()
    endorsed_from: int = 0

    @property
    def most(self) -> int:
        """The highest total."""
        return self.items * self.highest


@dataclass(frozen=True, slots=True)
class Score:
    """What a rule makes of answers.

    `parts` are the figures beside the total, or instead of it; `criteria_met` says whether each
    cluster has as many items as its criterion needs. None where a form has no such thing.
    """

    total: int | None
    band: str | None
    parts: Mapping[str, float]
    criteria_met: bool | None


def broken_by_answers(scale: Scale, answers: Sequence[int | None]) -> list[Broken]:
    """What keeps answers from being scored; nothing is put in for one that is missing."""
    if len(answers) != scale.items:
        return [
            Broken(
                "item_count",
                f"The {scale.name} has {_items(scale.items)}, not {len(answers)}; list them in"
                " the form's order, null for one that was not answered.",
                scale.source,
                "answers",
            )
        ]
    return [
        wrong
        for number, answer in enumerate(answers, start=1)
        for wrong in _wrong_answer(scale, number, answer)
    ]


def _items(count: int) -> str:
    return "one item" if count == 1 else f"{count} items"


def _wrong_answer(scale: Scale, number: int, answer: int | None) -> list[Broken]:
    field = f"answers.{number - 1}"
    if answer is None:
        return [
            Broken(
                "item_missing",
                f"Item {number} of the {scale.name} is not answered; ask for it. A total is made"
                " of all items, and none is guessed.",
                scale.source,
                field,
            )
        ]
    if not 0 <= answer <= scale.highest:
        return [
            Broken(
                "item_range",
                f"Item {number} of the {scale.name} is out of range; right would be a whole number"
                f" from 0 to {scale.highest}.",
                scale.source,
                field,
            )
        ]
    return []


def score(scale: Scale, answers: Sequence[int]) -> Score:
    """The figures of a form whose items are all answered."""
    total = sum(answers)
    return Score(
        total=total,
        band=next(band.name for band in reversed(scale.bands) if band.lowest <= total),
        parts={each.name: sum(_of(each, answers)) for each in scale.clusters},
        criteria_met=all(
            sum(answer >= scale.endorsed_from for answer in _of(each, answers)) >= each.needed
            for each in scale.clusters
        )
        if scale.clusters
        else None,
    )


def _of(cluster: Cluster, answers: Sequence[int]) -> Sequence[int]:
    return answers[cluster.first - 1 : cluster.last]
