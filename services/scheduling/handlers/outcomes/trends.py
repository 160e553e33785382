"""A series by the patient's own answers: as figures, and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.documents import outcome_plot
from services.scheduling.documents.outcome_plot import Given
from services.scheduling.forms.outcomes import CheckpointAnswer, SeriesOutcomes, Trend, TrendPoint
from services.scheduling.handlers.outcomes.points import lines_of, points_of
from services.scheduling.handlers.outcomes.shown import show_score
from services.scheduling.rules.outcomes import course as rules
from services.scheduling.rules.outcomes.course import Lines, Point
from services.scheduling.rules.outcomes.forms import Instrument
from services.scheduling.rules.outcomes.scales import scale_of
from services.scheduling.store import outcomes as kept
from services.scheduling.store.drips import given_elsewhere
from services.scheduling.tables import Appointment, Series
from services.scheduling.tables.outcomes import Outcome
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.messaging import Transaction

LinesOn = Callable[[date], Lines]


async def read_trends(series_id: UUID, tx: Transaction) -> SeriesOutcomes | Refused:
    """Each instrument over a series: change from the baseline, and how the fourth infusion is."""
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    outcomes = await kept.outcomes_of_series(tx, course.series)
    return SeriesOutcomes(
        series_id=series_id,
        patient_id=course.series.patient_id,
        infusions_begun=_begun(course.visits),
        trends=_trends(tx, outcomes, course.visits, await lines_of(tx)),
    )


def _begun(visits: Sequence[Appointment]) -> int:
    return sum(visit.started_at is not None for visit in visits)


def _trends(
    tx: Transaction, outcomes: Sequence[Outcome], visits: Sequence[Appointment], lines: LinesOn
) -> list[Trend]:
    by_instrument = {
        instrument: [each for each in outcomes if each.instrument == instrument]
        for instrument in Instrument
    }
    return [
        _trend(tx, instrument, mine, visits, lines)
        for instrument, mine in by_instrument.items()
        if mine
    ]


def _trend(
    tx: Transaction,
    instrument: Instrument,
    outcomes: Sequence[Outcome],
    visits: Sequence[Appointment],
    lines: LinesOn,
) -> Trend:
    points, today = points_of(tx, outcomes, visits, lines), lines(tx.now.date())
    baseline = rules.baseline_of(points)
    scale = scale_of(instrument, outcomes[-1].rule_version)
    judged = None if scale is None else rules.checkpoint(scale, points, _begun(visits), today)
    return Trend(
        instrument=instrument,
        baseline_id=None if baseline is None else baseline.outcome_id,
        response_fall_pct=today.response_fall_pct,
        remission_below=None if scale is None else rules.remission_below(scale, today),
        points=[
            _show_point(tx, outcome, point, baseline)
            for outcome, point in zip(outcomes, points, strict=True)
        ],
        checkpoint=None
        if judged is None
        else CheckpointAnswer(
            infusion=today.checkpoint_infusion, state=judged.state, outcome_id=judged.outcome_id
        ),
    )


def _show_point(
    tx: Transaction, outcome: Outcome, point: Point, baseline: Point | None
) -> TrendPoint:
    scale = scale_of(Instrument(outcome.instrument), outcome.rule_version)
    change = rules.change_from(baseline, point, scale)
    return TrendPoint(
        outcome_id=outcome.outcome_id,
        occasion=point.occasion,
        appointment_id=outcome.appointment_id,
        infusions_before=point.infusions_before,
        taken_at=outcome.taken_at,
        rule_version=outcome.rule_version,
        score=show_score(tx, outcome),
        change=change.points,
        change_pct=change.percent,
        part_changes=dict(change.part_points),
        meaning=change.meaning,
        response=change.response,
        remission=None
        if scale is None or point.total is None
        else rules.in_remission(scale, point.total, point.lines),
    )


async def draw_outcomes(
    patient_id: UUID, series_id: UUID | None, tx: Transaction
) -> Document | Refused:
    """A patient's scores over a series, the newest unless one is named, as SVG."""
    if await store.find_patient(tx, patient_id) is None:
        return Refused.not_found("patient", "patient_id")
    series = (
        await kept.newest_series(tx, patient_id)
        if series_id is None
        else await kept.series_of(tx, patient_id, series_id)
    )
    if series is None and series_id is not None:
        return Refused.not_found("series", "series_id")
    zone, visits, boosters = ZoneInfo("UTC"), [], []
    if series is None:
        outcomes = await kept.outcomes_of_intakes(tx, patient_id)
    else:
        location = await store.find_location(tx, series.location_id)
        assert location is not None, "a series has its place"
        zone = ZoneInfo(location.zone)
        visits = await store.visits_of(tx, series.series_id)
        outcomes = await kept.outcomes_of_series(tx, series)
        boosters = await _boosters(tx, series)
    infusions = [visit.started_at for visit in visits if visit.started_at is not None]
    drawn = outcome_plot.draw(
        _trends(tx, outcomes, visits, await lines_of(tx)), Given(infusions, boosters), zone
    )
    return Document(drawn.encode(), "image/svg+xml", "outcomes.svg", patient_id)


async def _boosters(tx: Transaction, series: Series) -> list[datetime]:
    """When the same drug was given again after a patient's newest series was booked."""
    newest = await kept.newest_series(tx, series.patient_id)
    if newest is None or newest.series_id != series.series_id:
        return []
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    given = await given_elsewhere(
        tx,
        series.patient_id,
        since=series.booked_at,
        drug=policy.figures_on(tx.now.date()).drug,
        series_id=series.series_id,
        besides=None,
        to_come=False,
    )
    return [each.begins_at for each in given]
