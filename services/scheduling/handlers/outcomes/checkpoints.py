"""A series without response at its fourth infusion is put before its prescriber."""

from __future__ import annotations

from services.scheduling import store
from services.scheduling.handlers.outcomes.points import lines_of, points_of
from services.scheduling.rules.outcomes.course import CheckpointState, checkpoint
from services.scheduling.rules.outcomes.forms import Instrument
from services.scheduling.rules.outcomes.reviews import Matter
from services.scheduling.rules.outcomes.scales import scale_of
from services.scheduling.store import outcomes as kept
from services.scheduling.tables import Series
from services.scheduling.tables.outcomes import Outcome, Review
from shared.messaging import Transaction


async def ask_about_response(changed: Outcome, tx: Transaction) -> list[Review]:
    """Raise a review where a record, or its withdrawal, leaves the series without response.

    The score that is judged need not be the one that changed: a baseline may come late. Asked once
    per form and series, however often a score is recorded anew.
    """
    series = await _series_of(changed, tx)
    instrument = Instrument(changed.instrument)
    scale = scale_of(instrument, changed.rule_version)
    if series is None or scale is None:
        return []
    outcomes = {
        each.outcome_id: each
        for each in await kept.outcomes_of_series(tx, series)
        if each.instrument == instrument
    }
    visits = await store.visits_of(tx, series.series_id)
    lines = await lines_of(tx)
    points = points_of(tx, list(outcomes.values()), visits, lines)
    judged = checkpoint(scale, points, begun=0, lines=lines(tx.now.date()))
    if judged.state is not CheckpointState.NO_RESPONSE or judged.outcome_id is None:
        return []
    if Matter.NO_RESPONSE in await kept.matters_raised(tx, series.series_id, instrument):
        return []
    return [kept.add_review(tx, outcomes[judged.outcome_id], Matter.NO_RESPONSE)]


async def _series_of(outcome: Outcome, tx: Transaction) -> Series | None:
    """The series that an outcome belongs to; an intake's is the newest."""
    if outcome.series_id is None:
        return await kept.newest_series(tx, outcome.patient_id)
    return await kept.series_of(tx, outcome.patient_id, outcome.series_id)
