"""Which of some free starts one patient's course of treatment allows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.handlers.free_starts import Free, FreeStart
from services.scheduling.handlers.series.given_before import given_before
from services.scheduling.handlers.series.placing import UNNUMBERED, Placing
from services.scheduling.handlers.shown import protocol_of
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.series.earlier import broken_by_earlier
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.visits.treatments import broken_by_gap
from services.scheduling.store import Course
from services.scheduling.store.waitlist import open_course
from services.scheduling.tables import Location
from shared.messaging import Transaction
from shared.refusals import Broken


async def allowed_to(
    tx: Transaction,
    patient_id: UUID,
    location: Location,
    visit_type: str,
    policy: Policy,
    free: Free,
) -> Free:
    """The starts at which another infusion of this type keeps the patient's gaps.

    They count from all that was given, and from what is booked of an open series of the type. Gaps
    are of days, so each day is judged once. A type that is given by itself has its own gap, if any.
    """
    patient = await store.find_patient(tx, patient_id)
    if not free.starts or patient is None:
        return free
    zone = ZoneInfo(location.zone)
    born = store.patient_card(tx, patient).birth_date
    if not policy.in_series:
        return await _treatments_allowed(tx, patient_id, born, policy, free, zone)
    course = await open_course(tx, patient_id)
    if course is not None and course.series.visit_type != visit_type:
        course = None
    protocol = (
        policy.protocol_on(tx.now.astimezone(zone).date())
        if course is None
        else protocol_of(policy, course.series, zone)
    )
    earlier = await given_before(
        tx,
        patient_id,
        free.starts[0].starts_at,
        drug=policy.figures_on(free.starts[0].starts_at.astimezone(zone).date()).drug,
        series_id=None if course is None else course.series.series_id,
        to_come=True,
    )

    def broken_by(start: datetime) -> list[Broken]:
        broken = broken_by_earlier(protocol, earlier, [start], zone, lambda _: "start")
        if course is None:
            day = start.astimezone(zone).date()
            broken += broken_by_age(policy.figures_on(day), born, day, "patient")
        else:
            broken += _placed(course, start, tx.now, zone).broken_by_gaps(protocol)
        return broken

    return _judged(free, broken_by, zone)


def _judged(free: Free, broken_by: Callable[[datetime], list[Broken]], zone: ZoneInfo) -> Free:
    """The free starts of the days of which nothing is broken; or why there is none."""
    days = {start.starts_at.astimezone(zone).date(): start.starts_at for start in free.starts}
    broken = {day: broken_by(start) for day, start in days.items()}

    def is_allowed(start: FreeStart) -> bool:
        return not broken[start.starts_at.astimezone(zone).date()]

    starts = [start for start in free.starts if is_allowed(start)]
    return Free(starts, [each for day in broken.values() for each in day] or free.why_none)


async def _treatments_allowed(
    tx: Transaction, patient_id: UUID, born: date, policy: Policy, free: Free, zone: ZoneInfo
) -> Free:
    """The starts that are not too near to another visit which gives the same drug.

    None on a day on which the patient is too young.
    """
    first = free.starts[0].starts_at
    drug = policy.figures_on(first.astimezone(zone).date()).drug
    given = (
        [] if drug is None else await given_before(tx, patient_id, first, drug=drug, to_come=True)
    )

    def broken_by(start: datetime) -> list[Broken]:
        day = start.astimezone(zone).date()
        figures = policy.figures_on(day)
        return [
            *broken_by_gap(figures, None, given, start, zone),
            *broken_by_age(figures, born, day, "patient"),
        ]

    return _judged(free, broken_by, zone)


def _placed(course: Course, starts_at: datetime, now: datetime, zone: ZoneInfo) -> Placing:
    visits = course.visits
    place = bisect_left([each.starts_at for each in visits], starts_at)
    return Placing(visits[:place], visits[place:], Infusion(UNNUMBERED, starts_at), now, zone)
