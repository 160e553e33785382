"""What each local day has free: the starts at which a chair, a nurse and the patient are there.

A set of minutes is the bits of one integer, which makes "free for fifty minutes in any of a hundred
chairs" a handful of operations.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import (
    DAY_MIN,
    Roster,
    at_wall,
    watched_chairs,
)
from services.scheduling.rules.clinic.rooms import no_room
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.day import Day
from services.scheduling.rules.planner.hours import hours_on
from services.scheduling.rules.planner.minutes import MINUTE, bits, blocked_starts, minute_of
from services.scheduling.rules.planner.place import Place
from shared.refusals import Broken

NO_CHAIR = -1
"""The number of a chair that is out of service: what stands in it is watched, and no more."""


@dataclass(slots=True)
class _Taken:
    """What is taken of one day, each from which minute to which, and in which chair."""

    in_chairs: list[tuple[int, int, int]] = field(default_factory=list)
    mine: list[tuple[int, int]] = field(default_factory=list)


def days_of(place: Place, first: date, last: date) -> list[Day]:
    """Every local day from `first` to `last`, with what it has free."""
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    midnights = [at_wall(day, 0, place.zone) for day in dates]
    midnights.append(at_wall(last + timedelta(days=1), 0, place.zone))
    taken = [_Taken() for _ in dates]
    numbers = {chair.int: n for n, chair in enumerate(place.chairs)}
    numbers |= {chair.int: NO_CHAIR for chair in place.out_of_service}
    patient = place.patient_id.int
    widest = max(_banned_before(place, day) for day in dates)

    for slot in place.taken:
        # Comparing ids as integers: there are tens of thousands, and a UUID hashes in Python.
        chair = numbers.get(slot.chair_id.int)
        if chair is not None:
            starts_at, ends_at = slot.starts_at, slot.ends_at
            here = max(bisect_right(midnights, starts_at) - 1, 0)
            while here < len(dates) and (midnight := midnights[here]) < ends_at:
                begin = (starts_at - midnight) // MINUTE
                end = -((midnight - ends_at) // MINUTE)
                taken[here].in_chairs.append((max(begin, 0), end, chair))
                here += 1
        if slot.patient_id.int == patient:
            here = max(bisect_right(midnights, slot.starts_at - widest) - 1, 0)
            while here < len(dates) and midnights[here] < slot.patient_until:
                begins_at, ends_at = _keeps_patient(place, dates[here], slot)
                end = -((midnights[here] - ends_at) // MINUTE)
                if end > 0:
                    begin = (begins_at - midnights[here]) // MINUTE
                    taken[here].mine.append((max(begin, 0), end))
                here += 1
    minded = any(place.minds_ban(day) for day in dates)
    return [
        _day(place, day, midnight, of_day, minded=minded)
        for day, midnight, of_day in zip(dates, midnights[:-1], taken, strict=True)
    ]


def _keeps_patient(place: Place, day: date, slot: Slot) -> tuple[datetime, datetime]:
    """From when to when another visit of the patient's leaves no time for one on this day.

    By the figures of the day itself: its own driving ban before the other, and the other's ban
    before it, as a booking of that day is judged.
    """
    banned = _banned_before(place, day) if slot.minds_ban else timedelta(0)
    return slot.starts_at - banned, slot.patient_until if place.minds_ban(day) else slot.ends_at


def _banned_before(place: Place, day: date) -> timedelta:
    """How long before another visit of the patient's this one has to be over: its driving ban."""
    figures = place.policy.visit_on(day)
    if figures is None:
        return timedelta(0)
    return timedelta(minutes=max(figures.no_drive_min - figures.recovery_min, 0))


def _day(place: Place, day: date, midnight: datetime, taken: _Taken, *, minded: bool) -> Day:
    """`minded`: some visit that is planned must not begin in the ban of another."""
    patient_busy, chairs_busy = 0, [0] * len(place.chairs)
    for begin, end in taken.mine:
        patient_busy |= bits(begin, end)
    watched: list[tuple[int, int]] = []
    for begin, end, chair in taken.in_chairs:
        watched.append((begin, end))
        if chair != NO_CHAIR:
            chairs_busy[chair] |= bits(begin, end)
    roster = place.policy.roster_on(day)
    nurses_full = 0
    if roster is not None:
        nurses_full = _full(roster, day, midnight, place.zone, watched)
    why_none, asked, holds_min = hours_on(place, day, midnight)
    blocked = blocked_starts(patient_busy, holds_min) | blocked_starts(nurses_full, holds_min)
    no_chair = -1
    for busy in chairs_busy:
        no_chair &= blocked_starts(busy, holds_min)
    blocked |= no_chair
    roomless = _no_room(place, day, midnight, holds_min)
    if roomless is not None:
        blocked |= roomless[0]
    return Day(
        day=day,
        starts=tuple(each for each in asked if not blocked >> each.minute & 1),
        asked=asked,
        holds_min=holds_min,
        keeps_min=holds_min + (_banned_before(place, day) // MINUTE if minded else 0),
        why_none=why_none,
        patient_busy=patient_busy,
        nurses_full=nurses_full,
        chairs_busy=dict(zip(place.chairs, chairs_busy, strict=True)),
        no_room=roomless,
        roster=roster,
    )


def _no_room(
    place: Place, day: date, midnight: datetime, holds_min: int
) -> tuple[int, Broken] | None:
    """The starts from which no room is free, and why; None where no room is needed."""
    figures = place.policy.visit_on(day)
    if figures is None or not figures.room_needed:
        return None
    busy = dict.fromkeys(place.rooms, 0)
    for each in place.rooms_used:
        begin, end = minute_of(each.starts_at, midnight), -((midnight - each.ends_at) // MINUTE)
        if each.room_id in busy and begin < 2 * DAY_MIN and end > 0:
            busy[each.room_id] |= bits(max(begin, 0), end)
    blocked = -1
    for one in busy.values():
        blocked &= blocked_starts(one, holds_min)
    return blocked, no_room(place.rooms, figures.sources["room_needed"], "preferences")


def _full(
    roster: Roster,
    day: date,
    midnight: datetime,
    zone: ZoneInfo,
    watched: Sequence[tuple[int, int]],
) -> int:
    """The minutes in which no nurse can watch one more chair."""
    changes: dict[int, int] = {0: 0, 2 * 1440: 0}
    for window, chairs in watched_chairs(roster, day):
        begin = minute_of(at_wall(day, window.from_min, zone), midnight)
        end = minute_of(at_wall(day, window.until_min, zone), midnight)
        changes[begin] = changes.get(begin, 0) + chairs
        changes[end] = changes.get(end, 0) - chairs
    for begin, end in watched:
        changes[begin] = changes.get(begin, 0) - 1
        changes[end] = changes.get(end, 0) + 1
    full, room = 0, 0
    for minute, until in pairwise(sorted(changes)):
        room += changes[minute]
        if room <= 0:
            full |= bits(minute, until)
    return full
