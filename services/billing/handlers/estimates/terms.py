"""By when an estimate is due: what is booked, what changes it, the last day, and after it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from services.billing.rules.clinic import zone_of
from services.billing.rules.estimates import clock
from services.billing.store import estimate_courses as courses
from services.billing.store.estimate_courses import Course, CourseKind
from services.billing.work import (
    EscalateEstimate,
    RedeemPlan,
    RemindEstimate,
    ReviewEstimates,
    overdue_key,
    plan_key,
    remind_key,
    review_key,
)
from shared.events.billing import EstimateOverdue, EstimateReason
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    InfusionAborted,
    PatientSentHome,
    SeriesBooked,
    SeriesCompleted,
    SeriesStopped,
)
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

REVIEWED_AT_ONCE = 200
"""Series that one transaction has looked at again after a fee was recorded; the rest follow."""


async def open_series(event: SeriesBooked, tx: Transaction) -> None:
    """Note by when a booked series has to be estimated, and have it estimated where it has."""
    await _open(
        tx,
        event.series_id,
        CourseKind.SERIES,
        event,
        planned_infusions=event.planned_infusions,
        first_starts_at=event.first_starts_at,
        last_starts_at=event.last_starts_at,
        booked_at=event.booked_at,
    )


async def open_visit(event: AppointmentBooked, tx: Transaction) -> None:
    """The same of a treatment or a session outside a series, by the same clock."""
    await _open(
        tx,
        event.appointment_id,
        CourseKind.TREATMENT if event.in_chair else CourseKind.SESSION,
        event,
        planned_infusions=1,
        first_starts_at=event.starts_at,
        last_starts_at=event.starts_at,
        booked_at=event.booked_at or tx.now,
    )


async def _open(
    tx: Transaction,
    course_id: UUID,
    kind: CourseKind,
    event: SeriesBooked | AppointmentBooked,
    *,
    planned_infusions: int,
    first_starts_at: datetime,
    last_starts_at: datetime,
    booked_at: datetime,
) -> None:
    """What the patient asked the price of before is this course now, and due no later than it was.

    45 CFR 149.610(b)(1)(vi): asked for, an estimate is due however soon the visit is.
    """
    zone = zone_of(event.zone)
    first_on, last_on, booked_on = (
        at.astimezone(zone).date() for at in (first_starts_at, last_starts_at, booked_at)
    )
    due_on = clock.due_on_series(booked_on, first_on, last_on)
    opened = await courses.open_booked(
        tx,
        course_id,
        kind,
        patient_id=event.patient_id,
        visit_type=event.code,
        planned_infusions=planned_infusions,
        zone=event.zone,
        first_on=first_on,
        opened_at=booked_at,
        due_at=None if due_on is None else clock.late_from(due_on, zone),
    )
    if not opened:
        return
    asked = await courses.take_over_requests(
        tx, course_id, patient_id=event.patient_id, visit_type=event.code
    )
    for request_id, due_at in asked:
        _cancel_timers(tx, request_id)
        tx.cancel(plan_key(request_id))
        asked_on = None if due_at is None else clock.last_day(due_at, zone)
        due_on = min((day for day in (due_on, asked_on) if day is not None), default=None)
    if due_on is not None:
        await set_due(tx, course_id, due_on, zone)
        ask(tx, course_id)


async def reopen_visit(event: AppointmentBooked, tx: Transaction) -> None:
    """A visit by itself whose patient came after all is expected again."""
    await courses.reopen(tx, event.appointment_id)
    course = await courses.lock(tx, event.appointment_id)
    if course is None:
        return
    if course.is_waited_for and course.due_at is not None:
        due_on = clock.last_day(course.due_at, course.zone)
        set_timers(tx, course.course_id, due_on, course.zone)
    if await courses.is_estimated(tx, course.course_id):
        review(tx, course.course_id)


async def note_change(
    event: AppointmentMoved | AppointmentCancelled | PatientSentHome | InfusionAborted,
    tx: Transaction,
) -> None:
    """A visit is elsewhere or lost: what is expected of its series may be another thing now.

    Of a visit by itself that is lost nothing is.
    """
    course_id = await courses.series_of(tx, event.appointment_id)
    if course_id is None:
        return
    is_alone = course_id == event.appointment_id
    if is_alone and isinstance(event, AppointmentCancelled | PatientSentHome):
        await _end(tx, course_id)
        return
    if isinstance(event, AppointmentMoved):
        await _expect(tx, course_id, event.starts_at, is_alone=is_alone)
    if await courses.is_estimated(tx, course_id):
        review(tx, course_id)


async def note_more(event: AppointmentBooked, tx: Transaction) -> None:
    """A visit that was not planned with its series: what is expected of that is another thing."""
    assert event.series_id is not None, "a visit by itself is opened"
    await _expect(tx, event.series_id, event.starts_at, is_alone=False)
    review(tx, event.series_id)


async def _expect(tx: Transaction, course_id: UUID, starts_at: datetime, *, is_alone: bool) -> None:
    """What was booked too late for an estimate is due one once a visit lies far enough ahead."""
    course = await courses.lock(tx, course_id)
    if course is None:
        return
    today, visit_on = (at.astimezone(course.zone).date() for at in (tx.now, starts_at))
    if is_alone:
        await courses.set_first_on(tx, course_id, visit_on)
    due_on = clock.due_on_booking(today, visit_on)
    if course.ended_at or course.due_at is not None or due_on is None:
        return
    await set_due(tx, course_id, due_on, course.zone)
    ask(tx, course_id)


async def end_series(event: SeriesCompleted | SeriesStopped, tx: Transaction) -> None:
    """Nothing more is expected, and nothing is due."""
    await _end(tx, event.series_id)


async def _end(tx: Transaction, course_id: UUID) -> None:
    await courses.end(tx, course_id)
    _cancel_timers(tx, course_id)
    tx.cancel(review_key(course_id))


async def review_fees(work: ReviewEstimates, tx: Transaction) -> None:
    """Look again at the series that a new fee may make dearer or cheaper."""
    touched = await courses.of_type(tx, work.visit_type, after=work.after, limit=REVIEWED_AT_ONCE)
    for course_id in touched:
        ask(tx, course_id)
    if len(touched) == REVIEWED_AT_ONCE:
        review_type(tx, work.visit_type, after=touched[-1])


async def remind(work: RemindEstimate, tx: Transaction) -> None:
    """On the last day: ask once more, and show it among what is due."""
    course = await courses.lock(tx, work.course_id)
    if course is None or not course.is_waited_for:
        return
    await courses.note_reminded(tx, course.course_id)
    ask(tx, course.course_id)


async def escalate(work: EscalateEstimate, tx: Transaction) -> None:
    """After the last day: say so, once."""
    course = await courses.lock(tx, work.course_id)
    if course is None or not course.is_waited_for or course.overdue_at is not None:
        return
    assert course.due_at is not None, "it is waited for"
    await courses.note_overdue(tx, course.course_id)
    log.error("estimate_overdue")
    if course.patient_id is not None:
        tx.publish(
            EstimateOverdue(
                patient_id=course.patient_id,
                course_id=course.course_id,
                due_at=course.due_at,
                noticed_at=tx.now,
            )
        )


async def meet(tx: Transaction, course: Course) -> None:
    """What was due is issued."""
    if course.due_at is not None and course.met_at is None:
        await courses.note_met(tx, course.course_id)
        _cancel_timers(tx, course.course_id)


async def set_due(tx: Transaction, course_id: UUID, due_on: date, zone: ZoneInfo) -> None:
    """From now on an estimate is due by the end of a day of its location."""
    await courses.set_due(tx, course_id, clock.late_from(due_on, zone))
    set_timers(tx, course_id, due_on, zone)


def ask(tx: Transaction, course_id: UUID, reason: EstimateReason | None = None) -> None:
    """Have an estimate built at once, where there is none that says the same."""
    tx.do(RedeemPlan(course_id=course_id, reason=reason), key=plan_key(course_id))


def review(tx: Transaction, course_id: UUID) -> None:
    """The same, once the changes of the hour are together."""
    tx.do(
        RedeemPlan(course_id=course_id),
        due=tx.now + clock.CHANGES_GATHER,
        key=review_key(course_id),
    )


def review_type(tx: Transaction, visit_type: str, *, after: UUID | None = None) -> None:
    tx.do(
        ReviewEstimates(visit_type=visit_type, after=after),
        key=f"review-estimates:{visit_type}:{after or ''}",
    )


def set_timers(tx: Transaction, course_id: UUID, due_on: date, zone: ZoneInfo) -> None:
    tx.do(
        RemindEstimate(course_id=course_id),
        due=clock.reminds_at(due_on, zone),
        key=remind_key(course_id),
    )
    tx.do(
        EscalateEstimate(course_id=course_id),
        due=clock.late_from(due_on, zone),
        key=overdue_key(course_id),
    )


def _cancel_timers(tx: Transaction, course_id: UUID) -> None:
    tx.cancel(remind_key(course_id))
    tx.cancel(overdue_key(course_id))
