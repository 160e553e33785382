"""The cheapest chain in which booked infusions keep their order and added ones stand among them.

Exact, like `planner_search`, and as a shortest path too: what is still to be placed is how many
booked ones and how many added ones, whichever they were put between. So the states that are looked
at are at most nodes times booked times added, and not one search for every way to mix the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from services.scheduling.rules.planner.bans import Moments, kept_until
from services.scheduling.rules.planner.day import Day
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


@dataclass(frozen=True, slots=True)
class Bans:
    """When each of them would begin, day by day, and when its driving ban would be over."""

    days: Sequence[Day]
    kept: Sequence[Moments]
    free: Moments

    def begins_at(self, kept: int | None, place: int) -> datetime | None:
        """When the one of so many booked ones that are left begins; without a number, an added."""
        return (self.free if kept is None else self.kept[-kept])[place]

    def ends_at(self, kept: int | None, place: int) -> datetime | None:
        begins_at = self.begins_at(kept, place)
        return None if begins_at is None else kept_until(begins_at, self.days[place])


@dataclass(slots=True)
class Merge:
    """The booked ones' points on each day, first to last, and those of any added one."""

    calendar: Calendar
    kept: Sequence[Costs]
    free: Costs
    bans: Bans | None = None
    """What of the driving bans forbids one to follow another; None where they forbid nothing."""
    since: datetime | None = None
    """When the ban before the first of them is over."""
    _found: dict[tuple[int, int, int, datetime | None], _Best] = field(default_factory=dict)

    @property
    def looked_at(self) -> int:
        """How many states were looked at so far."""
        return len(self._found)

    def most_states(self, adding: int) -> int:
        """How many states a search can look at: with bans, behind a booked and an added one."""
        behind = 1 if self.bans is None else 2
        return len(self.calendar.nodes) * (len(self.kept) + 1) * (adding + 1) * behind

    def best(self, adding: int) -> Mixed | None:
        """The cheapest chain of all the booked ones and so many added ones."""
        best: tuple[float, int] | None = None
        for node, enters in self.calendar.firsts:
            points = enters + self._from(len(self.kept), adding, node, self.since).points
            if points < inf and (best is None or points < best[0]):
                best = points, node
        return None if best is None else self._walk(*best, adding)

    def _from(self, kept: int, added: int, node: int, since: datetime | None) -> _Best:
        """With so many booked and added ones left to place, the next of them at this node.

        `since` is when the ban of the one before it is over.
        """
        state = kept, added, node, since
        found = self._found.get(state)
        if found is None:
            found = self._found[state] = self._look(kept, added, node, since)
        return found

    def _look(self, kept: int, added: int, node: int, since: datetime | None) -> _Best:
        place, best = self.calendar.nodes[node].place, NOWHERE
        if kept and self._may_begin(kept, place, since):
            best = self._here(self.kept[-kept][place], kept, added, node, is_added=False)
        if added and self._may_begin(None, place, since):
            other = self._here(self.free[place], kept, added, node, is_added=True)
            best = min(best, other, key=lambda each: each.points)
        return best

    def _may_begin(self, kept: int | None, place: int, since: datetime | None) -> bool:
        if self.bans is None or since is None:
            return True
        begins_at = self.bans.begins_at(kept, place)
        return begins_at is not None and since <= begins_at

    def _here(self, own: float, kept: int, added: int, node: int, *, is_added: bool) -> _Best:
        """With one of so many here, the rest after it."""
        if own == inf:
            return NOWHERE
        since = self._ban_ends(None if is_added else kept, self.calendar.nodes[node].place)
        kept, added = (kept, added - 1) if is_added else (kept - 1, added)
        if not kept and not added:
            return _Best(own, is_added)
        least, then = inf, None
        for other, points in self.calendar.nodes[node].steps:
            total = points + self._from(kept, added, other, since).points
            if total < least:
                least, then = total, other
        return _Best(own + least, is_added, then) if then is not None else NOWHERE

    def _ban_ends(self, kept: int | None, place: int) -> datetime | None:
        return None if self.bans is None else self.bans.ends_at(kept, place)

    def _walk(self, points: float, first: int, adding: int) -> Mixed:
        kept, added, node = len(self.kept), adding, first
        places: list[int] = []
        those: set[int] = set()
        since = self.since
        while True:
            here = self._from(kept, added, node, since)
            if here.is_added:
                those.add(len(places))
            place = self.calendar.nodes[node].place
            places.append(place)
            since = self._ban_ends(None if here.is_added else kept, place)
            kept, added = (kept, added - 1) if here.is_added else (kept - 1, added)
            if here.then is None:
                return Mixed(points, tuple(places), frozenset(those))
            node = here.then
