"""A series comes to its end: stopped early, or completed with its last infusion."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import SeriesAnswer
from services.scheduling.forms.wishes import StopSeries
from services.scheduling.handlers.listing import read_series
from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.handlers.shown import protocol_of
from services.scheduling.handlers.waitlist.openings import look_after
from services.scheduling.rules.series import course as rules
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.visits.life import (
    FROM,
    GIVEN,
    OPEN,
    Step,
    VisitState,
    awaits_dose,
    broken_by_dose_awaited,
)
from services.scheduling.store import HeldVisit
from services.scheduling.tables import Appointment, Series
from shared.events.scheduling import (
    AppointmentCancelled,
    CancelReason,
    SeriesCompleted,
    SeriesStopped,
)
from shared.http.problems import Refused
from shared.messaging import Transaction


async def stop_series(series_id: UUID, wish: StopSeries, tx: Transaction) -> SeriesAnswer | Refused:
    """End a series early: what is still to come is cancelled, what was given stands.

    Of one that was completed and then extended, only the extension ends; its prescription stands.
    """
    course = await store.lock_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    broken = [
        *rules.broken_by_stopping(
            SeriesState(course.series.state),
            infusion_running=any(visit.state == VisitState.RUNNING for visit in course.visits),
        ),
        *broken_by_dose_awaited(
            [each.sequence_no or 0 for each in course.visits if _awaits_dose(each)]
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The series is not stopped")
    await store.stop_series(tx, course.series, wish.reason)
    look_at_gaps(series_id, tx)
    await _cancel_rest(course.visits, tx)
    if course.series.completed_at is None:
        tx.publish(
            SeriesStopped(
                patient_id=course.series.patient_id,
                series_id=series_id,
                infusions_completed=sum(visit.state in GIVEN for visit in course.visits),
                stopped_at=tx.now,
            )
        )
    return await read_series(series_id, tx)


async def _cancel_rest(visits: Sequence[Appointment], tx: Transaction) -> None:
    for visit in visits:
        if visit.state in FROM[Step.STOP]:
            cancelled = await store.change_visit(
                tx, visit, state=VisitState.CANCELLED, revision=visit.revision + 1
            )
            say_cancelled(cancelled, CancelReason.SERIES_STOPPED, tx)


def say_cancelled(visit: Appointment, reason: CancelReason, tx: Transaction) -> None:
    """Tell others that a visit will not take place. Its chair goes to those who wait."""
    look_after(visit, tx)
    tx.publish(
        AppointmentCancelled(
            patient_id=visit.patient_id,
            appointment_id=visit.appointment_id,
            location_id=visit.location_id,
            starts_at=visit.starts_at,
            reason=reason,
            revision=visit.revision,
        )
    )


def _awaits_dose(visit: Appointment) -> bool:
    return awaits_dose(VisitState(visit.state), visit.ran)


async def complete_series_if_done(held: HeldVisit, changed: Appointment, tx: Transaction) -> None:
    """Say that a series is done, when a change of one of its visits leaves none to come."""
    if held.course is None:
        return
    visits = held.visits_with(changed)
    await complete_if_done(held.course.series, visits, ZoneInfo(held.location.zone), tx)


async def complete_if_done(
    series: Series, visits: Sequence[Appointment], zone: ZoneInfo, tx: Transaction
) -> None:
    """End a series of which none is left to come. That it is completed is said once.

    One whose last dose is not on record may lack an infusion, and waits for it.

    One that was extended afterwards ends again without a word: its completion has a prescription
    drafted, and there is one.
    """
    given = sum(visit.state in GIVEN for visit in visits)
    left = sum(visit.state in OPEN or _awaits_dose(visit) for visit in visits)
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    protocol = protocol_of(policy, series, zone)
    if series.state != SeriesState.BOOKED or not rules.is_completed(
        protocol, given, left, series.extended_to
    ):
        return
    await store.complete_series(tx, series, given)
    if series.completed_at is None:
        tx.publish(
            SeriesCompleted(
                patient_id=series.patient_id,
                series_id=series.series_id,
                prescriber_id=series.prescriber_id,
                infusions_completed=given,
                completed_at=tx.now,
            )
        )
