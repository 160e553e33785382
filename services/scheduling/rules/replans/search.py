"""The cheapest chain in which booked infusions keep their order and added ones stand among them.

Exact, like `planner_search`, and as a shortest path too: what is still to be placed is how many
booked ones and how many added ones, whichever they were put between. So the states that are looked
at are at most nodes times booked times added, and not one search for every way to mix the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from services.scheduling.rules.planner.search import Calendar, Costs

MOST_STATES = 1_000_000
"""About three seconds of one processor; a series of eight with twelve added has a sixth of it."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """The days of a chain by their place in the list, and which of them are added ones."""

    points: float
    places: tuple[int, ...]
    added: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Best:
    """What is best from a node on: its points, whether an added one stands there, and what next."""

    points: float
    is_added: bool = False
    then: int | None = None


NOWHERE = _Best(inf)


@dataclass(slots=True)
class Merge:
    """The booked ones' points on each day, first to last, and those of any added one."""

    calendar: Calendar
    kept: Sequence[Costs]
    free: Costs
    _found: dict[tuple[int, int, int], _Best] = field(default_factory=dict)

    @property
    def looked_at(self) -> int:
        """How many states were looked at so far."""
        return len(self._found)

    def most_states(self, adding: int) -> int:
        """How many states a search can look at."""
        return len(self.calendar.nodes) * (len(self.kept) + 1) * (adding + 1)

    def best(self, adding: int) -> Mixed | None:
        """The cheapest chain of all the booked ones and so many added ones."""
        best: tuple[float, int] | None = None
        for node, enters in self.calendar.firsts:
            points = enters + self._from(len(self.kept), adding, node).points
            if points < inf and (best is None or points < best[0]):
                best = points, node
        return None if best is None else self._walk(*best, adding)

    def _from(self, kept: int, added: int, node: int) -> _Best:
        """With so many booked and added ones left to place, the next of them at this node."""
        state = kept, added, node
        found = self._found.get(state)
        if found is None:
            found = self._found[state] = self._look(kept, added, node)
        return found

    def _look(self, kept: int, added: int, node: int) -> _Best:
        place, best = self.calendar.nodes[node].place, NOWHERE
        if kept:
            best = self._here(self.kept[-kept][place], kept - 1, added, node, is_added=False)
        if added:
            other = self._here(self.free[place], kept, added - 1, node, is_added=True)
            best = min(best, other, key=lambda each: each.points)
        return best

    def _here(self, own: float, kept: int, added: int, node: int, *, is_added: bool) -> _Best:
        """With one of them here, and so many left."""
        if own == inf:
            return NOWHERE
        if not kept and not added:
            return _Best(own, is_added)
        least, then = inf, None
        for other, points in self.calendar.nodes[node].steps:
            total = points + self._from(kept, added, other).points
            if total < least:
                least, then = total, other
        return _Best(own + least, is_added, then) if then is not None else NOWHERE

    def _walk(self, points: float, first: int, adding: int) -> Mixed:
        kept, added, node = len(self.kept), adding, first
        places: list[int] = []
        those: set[int] = set()
        while True:
            here = self._from(kept, added, node)
            if here.is_added:
                those.add(len(places))
            places.append(self.calendar.nodes[node].place)
            kept, added = (kept, added - 1) if here.is_added else (kept - 1, added)
            if here.then is None:
                return Mixed(points, tuple(places), frozenset(those))
            node = here.then
