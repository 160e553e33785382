"""The cheapest chains of days: a shortest path, exact, from the last infusion back to the first.

A node is a day together with the days given in the week before it, which is all that gaps, the
weekly cap and their points depend on. So the number of nodes grows with days, not with plans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.planner.bans import Follows
from services.scheduling.rules.planner.score import crowding, gap_points
from services.scheduling.rules.series.gaps import WEEK_DAYS
from services.scheduling.rules.series.protocols import InfusionProtocol

Costs = Sequence[float]
"""Points of giving a visit on each day, by the day's place in the list; infinite where it cannot
be given."""


Steps = tuple[tuple[int, int], ...]
"""To which nodes, each for how many points."""


@dataclass(frozen=True, slots=True)
class Node:
    """A day, and the steps to the days on which the next infusion may be given."""

    place: int
    steps: Steps


@dataclass(frozen=True, slots=True)
class Chain:
    """The days of a series by their place in the list, and what they cost together."""

    points: float
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Days, by their place in the list, of which a chain may have so many at most."""

    places: frozenset[int]
    most: int


NOTHING_SHARED = Shared(frozenset(), 0)


def _unless_spent(points: list[float], spends: Sequence[bool], left: int) -> list[float]:
    """The points of each node, infinite where its day may not be shared any more."""
    if left:
        return points
    return [inf if spent else own for own, spent in zip(points, spends, strict=True)]


def _before(
    here: list[float],
    after: list[list[float]],
    steps: Sequence[Steps],
    spends: Sequence[bool],
    left: int,
) -> list[float]:
    """Per node the points from there to the end, with those of the infusion after it."""
    row = []
    for own, spent, onward in zip(_unless_spent(here, spends, left), spends, steps, strict=True):
        best = inf
        if own < inf:
            then = after[left - spent]
            for other, points in onward:
                best = min(best, points + then[other])
        row.append(own + best)
    return row


class Calendar:
    """Which days may follow which under a protocol."""

    def __init__(
        self,
        protocol: InfusionProtocol,
        planning: Planning,
        days: Sequence[date],
        before: Sequence[date] = (),
        elsewhere: Sequence[date] = (),
    ) -> None:
        """`days` in order; `before` are the days of infusions of the series given earlier.

        `elsewhere` are those of the patient's other series, which the weekly cap counts too.
        """
        self._protocol = protocol
        self._planning = planning
        self._days = [day.toordinal() for day in days]
        self._place = {day: place for place, day in enumerate(self._days)}
        self.nodes: list[Node] = []
        """A day with the days given in the week before it, in no order."""
        self._ids: dict[tuple[int, ...], int] = {}
        self._elsewhere = sorted(day.toordinal() for day in elsewhere)
        earlier = tuple(sorted(day.toordinal() for day in before))
        self.firsts: list[tuple[int, int]] = self._steps(earlier) if earlier else self._beginnings()
        """Nodes at which the chain may begin, and for how many points."""

    def _beginnings(self) -> list[tuple[int, int]]:
        """Any day may be a series' first, within the cap of a week that others have part of."""
        return [(self._node((day,)), 0) for day in self._days if self._is_within_cap((day,))]

    def _steps(self, given: tuple[int, ...]) -> list[tuple[int, int]]:
        """The days that may follow, given the last ones of the series."""
        protocol, planning, last = self._protocol, self._planning, given[-1]
        steps = []
        for gap in range(protocol.gap_min_days, protocol.gap_max_days + 1):
            day = last + gap
            if day not in self._place:
                continue
            week = (*(each for each in given if each > day - WEEK_DAYS), day)
            if not self._is_within_cap(week):
                continue
            crowded = crowding(protocol, len(week)) * planning.plan_crowded_week_points
            points = gap_points(planning, protocol, gap) + crowded
            steps.append((self._node(week), points))
        return steps

    def _is_within_cap(self, week: tuple[int, ...]) -> bool:
        """Whether a week of the series, with what else lies in it, has no more than it may."""
        cap, day = self._protocol.weekly_cap, week[-1]
        if cap is None:
            return True
        beside = sum(day - WEEK_DAYS < each <= day for each in self._elsewhere)
        return len(week) + beside <= cap

    def _node(self, week: tuple[int, ...]) -> int:
        """The node of a day, the last of its week; those that may follow it are made first."""
        found = self._ids.get(week)
        if found is None:
            steps = tuple(self._steps(week))
            found = self._ids[week] = len(self.nodes)
            self.nodes.append(Node(self._place[week[-1]], steps))
        return found

    def cheapest(
        self,
        count: int,
        costs: Callable[[int], Costs],
        follows: Follows | None = None,
        shared: Shared = NOTHING_SHARED,
    ) -> list[Chain]:
        """For each first day the cheapest chain of `count` days, where there is one.

        `costs(n)` are the days' points for the n-th of them, from 0; `follows` says which days the
        driving bans let follow which, where any forbids some. No chain has more of the days that it
        may share than it may.
        """
        steps = [self._allowed(node, follows) for node in self.nodes]
        spends = [node.place in shared.places for node in self.nodes]
        to_go = self._to_go(count, costs, steps, spends, shared.most)
        chains = []
        for node, enters in self.firsts:
            points = to_go[0][shared.most][node]
            if points < inf:
                places = self._walk(node, to_go, steps, spends)
                chains.append(Chain(points + enters, places))
        return chains

    def _allowed(self, node: Node, follows: Follows | None) -> Steps:
        if follows is None:
            return node.steps
        return tuple(step for step in node.steps if follows(node.place, self.nodes[step[0]].place))

    def _to_go(
        self,
        count: int,
        costs: Callable[[int], Costs],
        steps: Sequence[Steps],
        spends: Sequence[bool],
        most: int,
    ) -> list[list[list[float]]]:
        """Per infusion, days left to share and node: the points from there to the end."""
        last = [costs(count - 1)[node.place] for node in self.nodes]
        to_go = [[_unless_spent(last, spends, left) for left in range(most + 1)]]
        for number in range(count - 2, -1, -1):
            costs_here = costs(number)
            here = [costs_here[node.place] for node in self.nodes]
            after = to_go[-1]
            to_go.append(
                [_before(here, after, steps, spends, left) for left in range(most + 1)],
            )
        to_go.reverse()
        return to_go

    def _walk(
        self,
        node: int,
        to_go: list[list[list[float]]],
        steps: Sequence[Steps],
        spends: Sequence[bool],
    ) -> tuple[int, ...]:
        places, left = [self.nodes[node].place], len(to_go[0]) - 1
        for later in to_go[1:]:
            left -= spends[node]
            after = later[left]
            node = min(steps[node], key=lambda step: step[1] + after[step[0]])[0]
            places.append(self.nodes[node].place)
        return tuple(places)

    def longest(self, usable: Sequence[bool], count: int, follows: Follows | None = None) -> int:
        """How many infusions, up to `count`, fit on the usable days."""
        costs = [0.0 if each else inf for each in usable]
        for fits in range(count, 0, -1):
            if self.cheapest(fits, lambda _: costs, follows):
                return fits
        return 0
