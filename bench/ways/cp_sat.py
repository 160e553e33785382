"""The planner's question put to OR-Tools CP-SAT: the same free starts, the same points.

One yes-or-no variable per day, for whether an infusion is given on it, and one per usual time of
the day. What the search knows of gaps, weeks and waiting is said as constraints and costs.
OR-Tools is no requirement of the project; it is imported when a question is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.planner.choice import OpenDay
from services.scheduling.rules.planner.plans import usual_times
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series.gaps import WEEK_DAYS
from services.scheduling.rules.series.protocols import InfusionProtocol

AWAY_MAX_POINTS = 24 * 4
"""A day's quarter hours: no start is further away from a usual time."""


def fewest_points(
    planning: Planning,
    protocol: InfusionProtocol,
    count: int,
    wishes: Preferences,
    days: Sequence[OpenDay],
    *,
    workers: int,
) -> int | None:
    """The points of the best plan, or None where there is none."""
    cp_model = import_module("ortools.sat.python.cp_model")
    model = cp_model.CpModel()
    given = [model.NewBoolVar(f"given {n}") for n in range(len(days))]
    costs = [
        *_places(planning, protocol, count, days, given, model),
        *_gaps(planning, protocol, given, model),
        *_weeks(planning, protocol, given, model),
        *_times(days, given, usual_times([day.within for day in days], wishes), model),
    ]
    model.Minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    if solver.Solve(model) != cp_model.OPTIMAL:
        return None
    return int(solver.ObjectiveValue())


def _places(
    planning: Planning,
    protocol: InfusionProtocol,
    count: int,
    days: Sequence[OpenDay],
    given: list[Any],
    model: Any,
) -> list[Any]:
    """So many infusions on free days, each within the gaps of the next; waiting and length."""
    first = [model.NewBoolVar("") for _ in days]
    last = [model.NewBoolVar("") for _ in days]
    model.AddExactlyOne(first)
    model.AddExactlyOne(last)
    model.Add(sum(given) == count)
    for n, day in enumerate(days):
        if not day.within:
            model.Add(given[n] == 0)
        for gap in range(1, protocol.gap_min_days):
            if n + gap < len(days):
                model.AddBoolOr(given[n].Not(), given[n + gap].Not())
        after = given[n + 1 : n + protocol.gap_max_days + 1]
        before = given[max(0, n - protocol.gap_max_days) : n]
        model.AddBoolOr([given[n].Not(), last[n], *after])
        model.AddBoolOr([given[n].Not(), first[n], *before])
        model.AddImplication(first[n], given[n])
        model.AddImplication(last[n], given[n])
        for earlier in range(n):
            model.AddImplication(first[n], given[earlier].Not())
            model.AddImplication(last[earlier], given[n].Not())
    wait, course = planning.plan_wait_points, planning.plan_course_points
    waits = [(wait - course) * n * each for n, each in enumerate(first)]
    return waits + [course * n * each for n, each in enumerate(last)]


def _gaps(
    planning: Planning, protocol: InfusionProtocol, given: list[Any], model: Any
) -> list[Any]:
    costs = []
    for n in range(len(given)):
        for gap in range(protocol.gap_advised_days + 1, protocol.gap_max_days + 1):
            if n + gap < len(given):
                long = model.NewBoolVar("")
                between = sum(given[n + 1 : n + gap])
                model.Add(long >= given[n] + given[n + gap] - between - 1)
                costs.append(
                    (gap - protocol.gap_advised_days) * planning.plan_long_gap_points * long
                )
    return costs


def _weeks(
    planning: Planning, protocol: InfusionProtocol, given: list[Any], model: Any
) -> list[Any]:
    assert protocol.weekly_advised is not None, "the protocol measured here advises on weeks"
    costs = []
    for n, each in enumerate(given):
        crowded = model.NewIntVar(0, WEEK_DAYS, "")
        in_week = sum(given[max(0, n - WEEK_DAYS + 1) : n + 1])
        model.Add(crowded >= in_week - protocol.weekly_advised).OnlyEnforceIf(each)
        costs.append(planning.plan_crowded_week_points * crowded)
    return costs


def _times(
    days: Sequence[OpenDay], given: list[Any], usual: Sequence[int], model: Any
) -> list[Any]:
    """One usual time of the day; a visit costs what its nearest free start is away from it."""
    chosen = [model.NewBoolVar(f"usual {minute}") for minute in usual]
    model.AddExactlyOne(chosen)
    costs = []
    for n, day in enumerate(days):
        if not day.within:
            continue
        away = model.NewIntVar(0, AWAY_MAX_POINTS, "")
        for minute, is_usual in zip(usual, chosen, strict=True):
            points = int(day.choose(minute, strict=True).points)
            model.Add(away >= points).OnlyEnforceIf(given[n], is_usual)
        costs.append(away)
    return costs
