"""One local day: its free starts, the chair for each, and why others are not free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.scheduling.rules.clinic.policy import (
    Roster,
    nurses_busy,
    wall,
)
from services.scheduling.rules.planner.minutes import bits, blocked_starts
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Start:
    """A moment at which a visit may begin. `wall_min` is what the clock on the wall shows."""

    at: datetime
    wall_min: int
    minute: int


@dataclass(frozen=True, slots=True)
class Day:
    """One local day. `starts` are legal in all respects, by time; `asked` only lie in the hours.

    `keeps_min` is for how long from its start a visit keeps its patient from the next of its type,
    the driving ban included.
    """

    day: date
    starts: tuple[Start, ...]
    asked: tuple[Start, ...]
    holds_min: int
    keeps_min: int
    why_none: Broken | None
    patient_busy: int
    nurses_full: int
    chairs_busy: Mapping[UUID, int]
    no_room: tuple[int, Broken] | None
    roster: Roster | None

    def chair_for(self, start: Start) -> UUID:
        """The free chair whose free stretch around this visit is the shortest.

        Long stretches stay whole for those who need four hours.
        """
        chair = self._chair_from(start.minute)
        assert chair is not None, "a day has no start without a chair"
        return chair

    def chair_at(self, minute: int) -> UUID | None:
        """The chair for a visit from this very minute on, on the clock's grid or not, if any.

        The hours are not asked.
        """
        if (self.patient_busy | self.nurses_full) >> minute & bits(0, self.holds_min):
            return None
        if self.no_room is not None and self.no_room[0] >> minute & 1:
            return None
        return self._chair_from(minute)

    def _chair_from(self, minute: int) -> UUID | None:
        end = minute + self.holds_min
        fits: list[tuple[int, int]] = []
        chairs = list(self.chairs_busy)
        for n, chair in enumerate(chairs):
            busy = self.chairs_busy[chair]
            if busy >> minute & bits(0, self.holds_min):
                continue
            before = minute - (busy & bits(0, minute)).bit_length()
            later = busy >> end
            after = (later & -later).bit_length() if later else 2 * 1440
            fits.append((before + after, n))
        return chairs[min(fits)[1]] if fits else None

    def places_for(self, most: int) -> int:
        """How many visits could be given one after the other or side by side, up to so many."""
        count = 0
        for busy in self.chairs_busy.values():
            free_from = 0
            for start in self.starts:
                fits = not busy >> start.minute & bits(0, self.holds_min)
                if fits and start.minute >= free_from:
                    count, free_from = count + 1, start.minute + self.holds_min
                    if count >= most:
                        return count
        return count

    def is_free(self, chair: UUID, start: Start) -> bool:
        return not self.chairs_busy.get(chair, -1) >> start.minute & bits(0, self.holds_min)

    def why_not(self, starts: Sequence[Start]) -> Broken:
        """Why none of these starts, each within the hours, is free."""
        field = "preferences"
        if self.why_none is not None:
            return self.why_none
        if not starts:
            return Broken(
                "time_window",
                f"No visit of {self.holds_min} minutes that is given on {self.day} fits between the"
                " times asked for; ask for a wider span.",
                "the preferences asked for",
                field,
            )
        lacks = self._lacks(starts, field)
        for why, blocked, _ in lacks:
            if all(blocked >> each.minute & 1 for each in starts):
                return why
        return _of_each_something(self.day, starts, lacks, field)

    def _lacks(self, starts: Sequence[Start], field: str) -> list[Lack]:
        """What may be in the way of a start, and of which."""
        no_chair = -1
        for busy in self.chairs_busy.values():
            no_chair &= blocked_starts(busy, self.holds_min)
        patient = Broken(
            "patient_taken",
            f"The patient has another visit on {self.day}, or may not drive yet after one, in"
            " all of the time asked for.",
            "one visit at a time per patient",
            field,
        )
        chair = Broken(
            "chair_taken",
            f"None of {len(self.chairs_busy)} chairs is free for {self.holds_min} minutes on"
            f" {self.day} between {wall(starts[0].wall_min)} and {wall(starts[-1].wall_min)}.",
            "one patient per chair",
            field,
        )
        lacks = [(patient, blocked_starts(self.patient_busy, self.holds_min), "the patient")]
        if self.roster is not None:
            nurses = blocked_starts(self.nurses_full, self.holds_min)
            lacks.append((nurses_busy(self.roster, field), nurses, "a nurse"))
        if self.no_room is not None:
            blocked, why = self.no_room
            lacks.append((why, blocked, "a room"))
        return [*lacks, (chair, no_chair, "a chair")]


Lack = tuple[Broken, int, str]
"""A rule, the starts that it blocks, and what they are without."""


def _of_each_something(
    day: date, starts: Sequence[Start], lacks: Sequence[Lack], field: str
) -> Broken:
    """Why none of these starts is free where no one rule blocks them all."""
    counts = [
        (what, sum(blocked >> each.minute & 1 for each in starts)) for _, blocked, what in lacks
    ]
    told = ", ".join(f"{count} without {what}" for what, count in counts if count)
    return Broken(
        "times_taken",
        f"No time on {day} between {wall(starts[0].wall_min)} and {wall(starts[-1].wall_min)} is"
        f" free in all respects: of {len(starts)}, {told}.",
        "what is booked and who is on duty",
        field,
    )
