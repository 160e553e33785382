"""Re-plans as staff see them: the diff, line by line, and what it costs."""

from __future__ import annotations

import itertools
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.forms.replans import ProposeReplan, ReplanAnswer, ReplannedVisit
from services.scheduling.handlers.replans.parts import Parts
from services.scheduling.handlers.series.plans import Reason
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.replans import reasons as rules
from services.scheduling.rules.replans.smallest import Fate, Replan, Replanned
from services.scheduling.rules.series import gaps
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol
from services.scheduling.store import Course
from services.scheduling.tables.replans import ReplanRow


def lines_of(
    found: Replan,
    course: Course,
    parts: Parts,
    policy: Policy,
    protocol: InfusionProtocol,
    zone: ZoneInfo,
) -> list[ReplannedVisit]:
    rides = {visit.appointment_id for visit in course.visits if visit.ride_mode is not None}
    before = parts.fixed[-1].starts_at.astimezone(zone).date() if parts.fixed else None
    lines = []
    for each in found.visits:
        closed = None if each.of is None else policy.closure_on(each.of.day)
        lines.append(_line(each, rules.why_of(protocol, before, each, closed), rides, zone))
        before = each.day
    return lines


def _line(each: Replanned, why: str, rides: set[UUID], zone: ZoneInfo) -> ReplannedVisit:
    of = each.of
    return ReplannedVisit(
        fate=each.fate,
        appointment_id=None if of is None else of.appointment_id,
        sequence_no=None if of is None else of.sequence_no,
        chair_id=each.chair_id,
        previous_starts_at=None if of is None else of.starts_at,
        starts_at=each.starts_at,
        local=each.starts_at.astimezone(zone).isoformat(),
        shift_min=each.shift_min,
        ride_kept=of is not None and each.keeps_time and of.appointment_id in rides,
        why=why,
        leaves=f"It is {each.leaves}, which was not asked for." if each.leaves else "",
    )


def advice_of(found: Replan, parts: Parts, protocol: InfusionProtocol, zone: ZoneInfo) -> list[str]:
    """What the series would be once the re-plan is applied, that is allowed and not advised."""
    numbers = itertools.count(1 + max((each.sequence_no for each in parts.all()), default=0))
    after = [
        Infusion(next(numbers) if each.of is None else each.of.sequence_no, each.starts_at)
        for each in found.visits
    ]
    return gaps.advice_on_series(protocol, [*parts.fixed, *after], zone)


def show_replan(row: ReplanRow, patient_id: UUID) -> ReplanAnswer:
    visits = [ReplannedVisit.model_validate(each) for each in row.visits]
    shifts = [each.shift_min for each in visits if each.fate is Fate.MOVES]
    outside = sum(bool(each.leaves) for each in visits)
    items = rules.score_replan(len(shifts), sum(shifts), outside)
    return ReplanAnswer(
        replan_id=row.replan_id,
        series_id=row.series_id,
        patient_id=patient_id,
        change=ProposeReplan.model_validate({"change": row.change}).change,
        visits=visits,
        missing=row.missing,
        points=sum(item.points for item in items),
        why=[Reason(name=item.name, points=item.points, detail=item.detail) for item in items],
        advice=row.advice,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
    )
