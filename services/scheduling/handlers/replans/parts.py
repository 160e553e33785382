"""A series as a change of one infusion leaves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.forms.replans import CancelOne, Change, MoveOne
from services.scheduling.handlers.shown import count_not_lost, unsettled
from services.scheduling.rules.clinic.policy import at_wall
from services.scheduling.rules.planner.minutes import minute_of
from services.scheduling.rules.replans.refusals import Seen
from services.scheduling.rules.replans.smallest import Displaced, Standing, wall_minute
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.visits.life import COMING, FREED
from services.scheduling.store import Course
from services.scheduling.tables import Appointment
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Parts:
    """A series as a change leaves it: what stands fixed, what may move, what is missing."""

    fixed: list[Infusion]
    later: list[Standing]
    adding: int
    unsettled: list[int]

    def all(self) -> list[Infusion | Standing]:
        return [*self.fixed, *self.later]


def changed_in(course: Course, change: Change | None) -> Appointment | None:
    if change is None:
        return None
    return next((v for v in course.visits if v.appointment_id == change.appointment_id), None)


def parts_of(
    course: Course,
    change: Change | None,
    changed: Appointment | None,
    now: datetime,
    zone: ZoneInfo,
    displaced: Mapping[UUID, Sequence[Broken]],
) -> Parts:
    """Split a series at its change: what is before it stands fixed, what is after may move.

    `displaced` are the visits that cannot be given where they are, with what they break.
    """
    cancelled = changed if isinstance(change, CancelOne) else None
    left = [
        visit
        for visit in course.visits
        if visit.state not in FREED and visit.ran is not False and visit is not cancelled
    ]
    movable: list[Appointment] = []
    for visit in reversed(left):
        is_after = changed is None or visit.starts_at > changed.starts_at
        if visit.state not in COMING or visit.starts_at <= now or not is_after:
            break
        movable.insert(0, visit)
    fixed = [
        Infusion(number_of(visit), change.starts_at)
        if visit is changed and isinstance(change, MoveOne)
        else Infusion(number_of(visit), visit.starts_at)
        for visit in left[: len(left) - len(movable)]
    ]
    return Parts(
        fixed,
        [_standing(visit, zone, displaced.get(visit.appointment_id, ())) for visit in movable],
        max(course.series.infusions - count_not_lost(left), 0),
        [
            number_of(visit)
            for visit in left
            if visit is not changed
            and ((visit.state in COMING and visit.ends_at <= now) or unsettled(visit, now, zone))
        ],
    )


def number_of(visit: Appointment) -> int:
    assert visit.sequence_no is not None, "an infusion has its number"
    return visit.sequence_no


def _standing(visit: Appointment, zone: ZoneInfo, broken: Sequence[Broken]) -> Standing:
    assert visit.chair_id is not None, "an infusion has its chair"
    day = visit.starts_at.astimezone(zone).date()
    displaced = Displaced(
        frozenset(each.rule for each in broken),
        minute_of(visit.starts_at, at_wall(day, 0, zone)),
        minute_of(visit.ends_at, visit.starts_at),
    )
    return Standing(
        visit.appointment_id,
        number_of(visit),
        visit.chair_id,
        visit.starts_at,
        day,
        wall_minute(visit.starts_at, zone),
        displaced if broken else None,
    )


def seen_in(course: Course) -> dict[UUID, Seen]:
    return {
        visit.appointment_id: Seen(number_of(visit), visit.state, visit.revision)
        for visit in course.visits
    }
