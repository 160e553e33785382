"""How a series of one kind is given, and the infusions that it is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InfusionProtocol:
    """How a series of one kind is given. Gaps are local calendar days from one to the next.

    `weekly_advised` and `weekly_cap` count infusions within any seven local days, the one as
    advice, the other as a rule; `course_advised_weeks` is from first to last. None where no figure
    is on record. `sources` says for each figure, by its name, where it comes from; `recorded_at`
    when somebody recorded them, None where they came with the house.
    """

    kind: str
    size_min: int
    size_max: int
    gap_min_days: int
    gap_advised_days: int
    gap_max_days: int
    weekly_advised: int | None
    weekly_cap: int | None
    course_advised_weeks: int | None
    sources: Mapping[str, str]
    recorded_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Infusion:
    """One infusion's place in its series."""

    sequence_no: int
    starts_at: datetime


def numbered(starts: Sequence[datetime]) -> list[Infusion]:
    """The infusions of a series that is asked for, in the order in which they are listed."""
    return [Infusion(number, start) for number, start in enumerate(starts, start=1)]
