"""What each local day has free: the starts at which a chair, a nurse and the patient are there.

Minutes of a day are elapsed ones since its local midnight, so a day on which clocks change has
1,380 or 1,500 of them and no visit gains or loses an hour. A set of minutes is the bits of one
integer, which makes "free for fifty minutes in any of a hundred chairs" a handful of operations.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import (
    DAY_MIN,
    OpeningHours,
    Policy,
    Roster,
    VisitFigures,
    Window,
    at_wall,
    broken_by_closure,
    not_open,
    nurses_busy,
    wall,
    watched_chairs,
    windows_of,
)
from services.scheduling.rules.clinic.rooms import Used, no_room
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.earlier import Rest
from shared.refusals import Broken

MINUTE = timedelta(minutes=1)

ANY_HOUR = OpeningHours(
    date.min,
    tuple(Window(weekday, 0, DAY_MIN) for weekday in range(1, 8)),
    "no hours are on record",
)

_Booked = tuple[int, int, int | None, bool]
"""From which minute to which, in which chair of the place's, and whether it is the patient's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a series is planned and for whom: chairs, figures, and what is booked already.

    `taken` holds every visit in one of the chairs and every visit of the patient's, wherever;
    `rooms` are those of the place and what is taken of them, for a type that needs one; `rest` is
    what infusions outside the series ask for beside them. With
    `any_hour`, where no hours are on record every time is one, as it is for a booking.
    """

    zone: ZoneInfo
    policy: Policy
    chairs: Sequence[UUID]
    taken: Sequence[Slot]
    patient_id: UUID
    now: datetime
    rest: Rest | None = None
    any_hour: bool = False
    rooms: Sequence[UUID] = ()
    rooms_used: Sequence[Used] = ()

    def minds_ban(self, day: date) -> bool:
        """Whether what is planned must not begin while the patient may not drive."""
        figures = self.policy.visit_on(day)
        return figures is None or not figures.begins_in_ban

    @property
    def given_elsewhere(self) -> tuple[date, ...]:
        return () if self.rest is None else self.rest.given


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
    closed: bool

    def chair_for(self, start: Start) -> UUID:
        """The free chair whose free stretch around this visit is the shortest.

        Long stretches stay whole for those who need four hours.
        """
        end = start.minute + self.holds_min
        fits: list[tuple[int, int]] = []
        chairs = list(self.chairs_busy)
        for n, chair in enumerate(chairs):
            busy = self.chairs_busy[chair]
            if busy >> start.minute & _bits(0, self.holds_min):
                continue
            before = start.minute - (busy & _bits(0, start.minute)).bit_length()
            later = busy >> end
            after = (later & -later).bit_length() if later else 2 * 1440
            fits.append((before + after, n))
        return chairs[min(fits)[1]]

    def places_for(self, most: int) -> int:
        """How many visits could be given one after the other or side by side, up to so many."""
        count = 0
        for busy in self.chairs_busy.values():
            free_from = 0
            for start in self.starts:
                fits = not busy >> start.minute & _bits(0, self.holds_min)
                if fits and start.minute >= free_from:
                    count, free_from = count + 1, start.minute + self.holds_min
                    if count >= most:
                        return count
        return count

    def is_free(self, chair: UUID, start: Start) -> bool:
        return not self.chairs_busy.get(chair, -1) >> start.minute & _bits(0, self.holds_min)

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
        patient = _blocked_starts(self.patient_busy, self.holds_min)
        nurses = _blocked_starts(self.nurses_full, self.holds_min)
        left = [each for each in starts if not patient >> each.minute & 1]
        if not left:
            return Broken(
                "patient_taken",
                f"The patient has another visit on {self.day}, or may not drive yet after one, in"
                " all of the time asked for.",
                "one visit at a time per patient",
                field,
            )
        if self.roster is not None and all(nurses >> each.minute & 1 for each in left):
            return nurses_busy(self.roster, field)
        if self.no_room is not None:
            blocked, why = self.no_room
            if all(blocked >> each.minute & 1 for each in left):
                return why
        return Broken(
            "chair_taken",
            f"None of {len(self.chairs_busy)} chairs is free for {self.holds_min} minutes on"
            f" {self.day} between {wall(starts[0].wall_min)} and {wall(starts[-1].wall_min)}.",
            "one patient per chair",
            field,
        )


def days_of(place: Place, first: date, last: date) -> list[Day]:
    """Every local day from `first` to `last`, with what it has free."""
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    midnights = [at_wall(day, 0, place.zone) for day in dates]
    midnights.append(at_wall(last + timedelta(days=1), 0, place.zone))
    booked: list[list[_Booked]] = [[] for _ in dates]
    numbers = {chair.int: n for n, chair in enumerate(place.chairs)}
    patient = place.patient_id.int
    banned = _banned_before(place, first)

    def note(starts_at: datetime, ends_at: datetime, chair: int | None, *, mine: bool) -> None:
        here = max(bisect_right(midnights, starts_at) - 1, 0)
        while here < len(dates) and midnights[here] < ends_at:
            begin = (starts_at - midnights[here]) // MINUTE
            end = -((midnights[here] - ends_at) // MINUTE)
            booked[here].append((max(begin, 0), end, chair, mine))
            here += 1

    for slot in place.taken:
        # Comparing ids as integers: there are tens of thousands, and a UUID hashes in Python.
        chair = numbers.get(slot.chair_id.int)
        if chair is not None:
            note(slot.starts_at, slot.ends_at, chair, mine=False)
        if slot.patient_id.int == patient:
            ends_at = slot.patient_until if place.minds_ban(first) else slot.ends_at
            begins_at = slot.starts_at - banned if slot.minds_ban else slot.starts_at
            note(begins_at, ends_at, None, mine=True)
    return [
        _day(place, day, midnight, taken)
        for day, midnight, taken in zip(dates, midnights[:-1], booked, strict=True)
    ]


def _banned_before(place: Place, day: date) -> timedelta:
    """How long before another visit of the patient's this one has to be over: its driving ban."""
    figures = place.policy.visit_on(day)
    if figures is None:
        return timedelta(0)
    return timedelta(minutes=max(figures.no_drive_min - figures.recovery_min, 0))


def _banned_after(place: Place, day: date) -> int:
    """How many minutes the driving ban of a visit lasts beyond the visit itself."""
    return _banned_before(place, day) // MINUTE if place.minds_ban(day) else 0


def _day(place: Place, day: date, midnight: datetime, taken: list[_Booked]) -> Day:
    patient_busy, chairs_busy = 0, [0] * len(place.chairs)
    watched: list[tuple[int, int]] = []
    for begin, end, chair, mine in taken:
        bits = _bits(begin, end)
        if mine:
            patient_busy |= bits
        if chair is not None:
            chairs_busy[chair] |= bits
            watched.append((begin, end))
    roster = place.policy.roster_on(day)
    nurses_full = 0
    if roster is not None:
        nurses_full = _full(roster, day, midnight, place.zone, watched)
    why_none, asked, holds_min = _hours(place, day, midnight)
    blocked = _blocked_starts(patient_busy, holds_min) | _blocked_starts(nurses_full, holds_min)
    no_chair = -1
    for busy in chairs_busy:
        no_chair &= _blocked_starts(busy, holds_min)
    blocked |= no_chair
    roomless = _no_room(place, day, midnight, holds_min)
    if roomless is not None:
        blocked |= roomless[0]
    return Day(
        day=day,
        starts=tuple(each for each in asked if not blocked >> each.minute & 1),
        asked=asked,
        holds_min=holds_min,
        keeps_min=holds_min + _banned_after(place, day),
        why_none=why_none,
        patient_busy=patient_busy,
        nurses_full=nurses_full,
        chairs_busy=dict(zip(place.chairs, chairs_busy, strict=True)),
        no_room=roomless,
        roster=roster,
        closed=place.policy.closure_on(day) is not None,
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
        begin, end = _minute(each.starts_at, midnight), -((midnight - each.ends_at) // MINUTE)
        if each.room_id in busy and begin < 2 * DAY_MIN and end > 0:
            busy[each.room_id] |= _bits(max(begin, 0), end)
    blocked = -1
    for one in busy.values():
        blocked &= _blocked_starts(one, holds_min)
    return blocked, no_room(place.rooms, figures.sources["room_needed"], "preferences")


def _hours(
    place: Place, day: date, midnight: datetime
) -> tuple[Broken | None, tuple[Start, ...], int]:
    """The starts within the hours of a day, or why there is none; and how long a visit holds."""
    field = "preferences"
    figures, hours = place.policy.visit_on(day), place.policy.hours_on(day)
    if figures is None or figures.booked_min is None:
        return _no_figure(day), (), 0
    none_today = _broken_by_day(place, day, field)
    if none_today is not None:
        return none_today, (), figures.holds_min
    if hours is None and place.any_hour:
        hours = ANY_HOUR
    if hours is None:
        return _no_hours(day), (), figures.holds_min
    within = list(_starts(hours, figures, day, midnight, place.zone))
    if not within:
        return not_open(hours, day, field), (), figures.holds_min
    to_come = tuple(each for each in within if each.at > place.now)
    if not to_come:
        passed = Broken(
            "bookable_time",
            f"Every time on {day} has passed; a visit is booked for a time to come.",
            "the calendar",
            field,
        )
        return passed, (), figures.holds_min
    return None, to_come, figures.holds_min


def _broken_by_day(place: Place, day: date, field: str) -> Broken | None:
    """Why no visit at all is given on a day, whatever its hours."""
    near = None if place.rest is None else place.rest.why_not(day)
    if near is not None:
        return near
    closure = place.policy.closure_on(day)
    return None if closure is None else broken_by_closure(closure, day, field)


def _no_figure(day: date) -> Broken:
    return Broken(
        "duration_missing",
        f"No length is on record for such a visit on {day}; record it with its source.",
        "the visit types on record",
        "visit_type",
    )


def _no_hours(day: date) -> Broken:
    return Broken(
        "opening_hours_missing",
        f"No hours are on record for such visits on {day}; record the location's opening hours.",
        "the FAQ names hours for preparation sessions only",
        "location_id",
    )


def _starts(
    hours: OpeningHours, figures: VisitFigures, day: date, midnight: datetime, zone: ZoneInfo
) -> Iterator[Start]:
    """On the wall clock's grid from opening on. Wall times that a day skips are none of it."""
    for window in windows_of(hours, day):
        closes = _minute(at_wall(day, window.until_min, zone), midnight)
        for shown in range(window.from_min, window.until_min, figures.start_every_min):
            at = at_wall(day, shown, zone)
            minute = _minute(at, midnight)
            if minute + figures.holds_min > closes:
                break
            if at.astimezone(zone).replace(tzinfo=None) == _shown(day, shown):
                yield Start(at, shown, minute)


def _shown(day: date, minute: int) -> datetime:
    return datetime.combine(day, time.min) + timedelta(minutes=minute)


def _minute(at: datetime, midnight: datetime) -> int:
    return (at - midnight) // MINUTE


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
        begin = _minute(at_wall(day, window.from_min, zone), midnight)
        end = _minute(at_wall(day, window.until_min, zone), midnight)
        changes[begin] = changes.get(begin, 0) + chairs
        changes[end] = changes.get(end, 0) - chairs
    for begin, end in watched:
        changes[begin] = changes.get(begin, 0) - 1
        changes[end] = changes.get(end, 0) + 1
    full, room = 0, 0
    for minute, until in pairwise(sorted(changes)):
        room += changes[minute]
        if room <= 0:
            full |= _bits(minute, until)
    return full


def _bits(begin: int, end: int) -> int:
    """The minutes from `begin` up to and without `end`."""
    return (1 << end) - (1 << begin)


def _blocked_starts(busy: int, holds_min: int) -> int:
    """The starts from which a visit would run into a busy minute."""
    blocked, reach = busy, 1
    while reach < holds_min:
        step = min(reach, holds_min - reach)
        blocked |= blocked >> step
        reach += step
    return blocked
