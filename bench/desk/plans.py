"""The planner's answers by the size of the place and by how much of it is booked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import planner
from bench.figures import Latency
from bench.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Planned:
    """Questions to one size of place: the free starts of the month, the search, and both."""

    chairs: int
    fill: float
    free_starts: Latency
    search: Latency
    whole: Latency


def measure(sizes: Sizes, step: Callable[[], object]) -> tuple[Planned, ...]:
    """Every size. `step` is called after each."""
    planner.measure(sizes.chairs[0], planner.FILLS[0], 1, beside_cp_sat=False)  # imports
    found = []
    for chairs in sizes.chairs:
        for fill in planner.FILLS:
            asked = planner.measure(chairs, fill, sizes.plans, beside_cp_sat=False)
            whole = [sum(both) for both in zip(asked.free_starts, asked.search, strict=True)]
            delays = map(Latency.of_seconds, (asked.free_starts, asked.search, whole))
            found.append(Planned(chairs, fill, *delays))
            step()
    return tuple(found)
