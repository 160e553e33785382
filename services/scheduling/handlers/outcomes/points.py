"""Outcomes as points of a course, for the rules that judge it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, date

from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.clinic.policy import in_force
from services.scheduling.rules.outcomes.course import Lines, Point
from services.scheduling.rules.outcomes.forms import Occasion
from services.scheduling.rules.outcomes.places import Drip
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import outcomes as kept
from services.scheduling.store.house import figure_rows
from services.scheduling.tables import Appointment
from services.scheduling.tables.outcomes import Outcome
from shared.messaging import Transaction


def drips_of(visits: Sequence[Appointment]) -> list[Drip]:
    return [
        Drip(visit.sequence_no, VisitState(visit.state), visit.started_at, visit.stopped_at)
        for visit in visits
        if visit.sequence_no is not None
    ]


async def lines_of(tx: Transaction) -> Callable[[date], Lines]:
    """The house's lines of any day. Days are UTC's, as of all its figures."""
    rows = {each: await figure_rows(tx, HouseFigure(each)) for each in _LINES}

    def on(day: date) -> Lines:
        found = {name: in_force(rows[name], day) for name in _LINES}
        return Lines(**{name: row.value for name, row in found.items() if row is not None})

    return on


_LINES = tuple(each.name for each in fields(Lines))
"""The figures go by the same names."""


def points_of(
    tx: Transaction,
    outcomes: Sequence[Outcome],
    visits: Sequence[Appointment],
    lines: Callable[[date], Lines],
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
                lines=lines(each.taken_at.astimezone(UTC).date()),
            )
        )
    return points
