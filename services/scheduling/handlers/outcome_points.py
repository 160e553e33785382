"""Outcomes as points of a course, for the rules that judge it."""

from __future__ import annotations

from collections.abc import Sequence

from services.scheduling.rules.outcomes import Occasion
from services.scheduling.rules.outcomes_course import Point
from services.scheduling.rules.outcomes_places import Drip
from services.scheduling.rules.visits import VisitState
from services.scheduling.store import outcomes as kept
from services.scheduling.tables import Appointment
from services.scheduling.tables.outcomes import Outcome
from shared.messaging import Transaction


def drips_of(visits: Sequence[Appointment]) -> list[Drip]:
    return [
        Drip(visit.sequence_no, VisitState(visit.state), visit.started_at, visit.stopped_at)
        for visit in visits
        if visit.sequence_no is not None
    ]


def points_of(
    tx: Transaction, outcomes: Sequence[Outcome], visits: Sequence[Appointment]
) -> list[Point]:
    """Opened scores, each with how many infusions of the series had begun before it."""
    starts = [visit.started_at for visit in visits if visit.started_at is not None]
    points = []
    for each in outcomes:
        score = kept.score_of(tx, each)
        points.append(
            Point(
                outcome_id=each.outcome_id,
                occasion=Occasion(each.occasion),
                taken_at=each.taken_at,
                rule_version=each.rule_version,
                total=score.total,
                parts=score.parts,
                infusions_before=sum(start < each.taken_at for start in starts),
            )
        )
    return points
