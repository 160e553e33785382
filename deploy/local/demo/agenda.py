"""What people do and when: acts in the order of the clock."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Turn(IntEnum):
    """Who goes first when several acts are due for one patient at the same moment."""

    WORLD = 0
    INTAKE = 1
    CLEARANCE = 2
    CARD = 3
    BOOKING = 4
    CHANGE = 5
    RIDE = 6
    ARRIVAL = 7
    START = 8
    END = 9
    ENTRY = 10
    LEAVING = 11
    MONEY = 12
    SIGNING = 13


@dataclass(order=True, frozen=True, slots=True)
class Act:
    """One thing that somebody does. `about` names the patient; nobody's acts go first."""

    at: datetime
    turn: Turn
    order: int
    about: str | None = field(compare=False)
    do: Callable[[], Awaitable[None]] = field(compare=False)


class Agenda:
    """Acts to come, soonest first."""

    def __init__(self) -> None:
        self._heap: list[Act] = []
        self._made = 0

    def add(
        self, at: datetime, turn: Turn, about: str | None, do: Callable[[], Awaitable[None]]
    ) -> None:
        self._made += 1
        heapq.heappush(self._heap, Act(at, turn, self._made, about, do))

    def next_at(self) -> datetime | None:
        return self._heap[0].at if self._heap else None

    def due(self, now: datetime) -> dict[str | None, list[Act]]:
        """Take what is due, by patient, each patient's in order."""
        taken: dict[str | None, list[Act]] = {}
        while self._heap and self._heap[0].at <= now:
            act = heapq.heappop(self._heap)
            taken.setdefault(act.about, []).append(act)
        return taken
