"""`python -m bench.planner`: the planner's search beside OR-Tools CP-SAT, on the same questions.

A stand of its own: it needs no database and no broker, and takes minutes. `python -m bench desk`
asks the search the same questions, and CP-SAT none. OR-Tools is no requirement of the project.
Where it is installed (`pip install ortools`), every answer is compared, and the search must find
what CP-SAT proves to be the best; where it is not, the search is measured alone.

The question: eight mood infusions within thirty days, Monday to Saturday, 9:00 to 19:00, in a place
that is open from 9:00 to 21:00 and has so many chairs, of which so much is booked already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from importlib.util import find_spec
from random import Random
from time import perf_counter
from typing import Annotated, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from bench.figures import Latency
from bench.ways import cp_sat
from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.clinic.policy import (
    OpeningHours,
    Policy,
    Roster,
    Shift,
    VisitFigures,
    Window,
    at_wall,
)
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.choice import OpenDay
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.plans import best_plans
from services.scheduling.rules.planner.search import Calendar
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series.protocols import InfusionProtocol
from shared.service import keep_for_good

CHAIRS = (5, 20, 100)
FILLS = (0.20, 0.80, 0.95)
INFUSIONS = 8
WORKERS = 8

ZONE = ZoneInfo("America/New_York")
FIRST, DAYS = date(2026, 10, 5), 30
OPENS_MIN, CLOSES_MIN, VISIT_MIN = 9 * 60, 21 * 60, 50
NURSES, PATIENT = 5, UUID(int=7)
LONG_AGO = date(2020, 1, 1)
WISHES = Preferences(
    FIRST, FIRST + timedelta(days=DAYS - 1), frozenset(range(1, 7)), 9 * 60, 19 * 60
)
MOOD = InfusionProtocol(
    kind="mood",
    size_min=6,
    size_max=8,
    gap_min_days=2,
    gap_advised_days=5,
    gap_max_days=7,
    weekly_advised=3,
    weekly_cap=None,
    course_advised_weeks=3,
    sources=dict.fromkeys(("size_min", "size_max", "gap_min_days", "gap_max_days"), "the FAQ"),
)

PLANNING = Planning(
    bookable_ahead_days=366,
    plan_wait_points=4,
    plan_course_points=4,
    plan_long_gap_points=40,
    plan_crowded_week_points=20,
    plan_step_min=15,
)
"""As the seeded figures of the house have them."""

T = TypeVar("T")


@dataclass(slots=True)
class Samples:
    """Seconds per question of one size."""

    free_starts: list[float] = field(default_factory=list)
    search: list[float] = field(default_factory=list)
    one_worker: list[float] = field(default_factory=list)
    workers: list[float] = field(default_factory=list)


def place(chairs: int, fill: float, seed: int) -> Place:
    """A place in which each visit that fits is booked with the chance `fill`."""
    dice = Random(seed)  # noqa: S311  # a disorder that can be had again
    ids = [UUID(int=n + 1000) for n in range(chairs)]
    figures = VisitFigures(
        LONG_AGO,
        "Made up",
        VISIT_MIN,
        recovery_min=0,
        fasting_min=120,
        no_drive_min=360,
        ride_needed=True,
        chair_needed=True,
        start_every_min=15,
        drug="Made up",
        route=None,
        is_controlled=False,
        gap_min_days=None,
        least_age_years=None,
        begins_in_ban=False,
        room_needed=False,
        dose_needed=True,
        dose_unit="mg",
        vitals_needed=True,
        orientation_needed=True,
        sources={},
    )
    windows = tuple(Window(day, OPENS_MIN, CLOSES_MIN) for day in range(1, 8))
    shifts = tuple(Shift(window, NURSES) for window in windows)
    policy = Policy(
        visits=(figures,),
        planning=PLANNING,
        protocols=((LONG_AGO, MOOD),),
        hours=(OpeningHours(LONG_AGO, windows, "made up"),),
        rosters=(Roster(LONG_AGO, -(-chairs // NURSES), shifts, "made up"),),
        closures=(),
    )
    taken = [
        Slot(starts_at, starts_at + timedelta(minutes=VISIT_MIN), chair, UUID(int=n + 10**6))
        for n, (day, chair, minute) in enumerate(
            (day, chair, minute)
            for day in range(DAYS)
            for chair in ids
            for minute in range(OPENS_MIN, CLOSES_MIN - VISIT_MIN + 1, VISIT_MIN)
            if dice.random() < fill
        )
        for starts_at in [at_wall(FIRST + timedelta(days=day), minute, ZONE)]
    ]
    return Place(ZONE, policy, ids, taken, PATIENT, at_wall(FIRST, 0, ZONE))


def _timed(samples: list[float], run: Callable[[], T]) -> T:
    began = perf_counter()
    made = run()
    samples.append(perf_counter() - began)
    return made


def _search(days: Sequence[OpenDay]) -> int | None:
    """The points of the best of the plans that the planner offers."""
    calendar = Calendar(MOOD, PLANNING, [each.day.day for each in days])
    plans = best_plans(PLANNING, MOOD, INFUSIONS, WISHES, days, calendar, strict=True)
    return plans[0].points if plans else None


def measure(chairs: int, fill: float, rounds: int, *, beside_cp_sat: bool) -> Samples:
    """One size, a new place in each round. Raises if the search and CP-SAT differ on the best."""
    samples = Samples()
    for seed in range(rounds):
        asked = place(chairs, fill, seed)
        found = _timed(samples.free_starts, partial(days_of, asked, WISHES.earliest, WISHES.latest))
        days = [OpenDay(day, WISHES, PLANNING) for day in found]
        best = _timed(samples.search, partial(_search, days))
        if not beside_cp_sat:
            continue
        for workers, into in ((1, samples.one_worker), (WORKERS, samples.workers)):
            ask = partial(
                cp_sat.fewest_points, PLANNING, MOOD, INFUSIONS, WISHES, days, workers=workers
            )
            proved = _timed(into, ask)
            if proved != best:
                raise AssertionError(f"the search found {best}, CP-SAT {proved} (seed {seed})")
    return samples


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Questions of each size.")] = 30,
) -> None:
    """Measure the search, and CP-SAT beside it where OR-Tools is installed."""
    keep_for_good()  # as every service does at its start
    console = Console()
    beside_cp_sat = find_spec("ortools") is not None
    if beside_cp_sat:
        measure(CHAIRS[0], FILLS[0], 1, beside_cp_sat=True)  # imports take a second
    table = Table(title=f"Milliseconds, median / p99 of {rounds}; load {os.getloadavg()[0]:.1f}")
    for name in ("chairs", "booked", "free starts", "search"):
        table.add_column(name, justify="right")
    if beside_cp_sat:
        for name in ("CP-SAT, 1 worker", "ratio", f"CP-SAT, {WORKERS} workers", "ratio"):
            table.add_column(name, justify="right")
    else:
        console.print("OR-Tools is not installed; the search is measured alone.")
    for chairs in CHAIRS:
        for fill in FILLS:
            found = measure(chairs, fill, rounds, beside_cp_sat=beside_cp_sat)
            search = Latency.of_seconds(found.search)
            row = [str(chairs), f"{fill:.0%}", _shown(found.free_starts), _shown(found.search)]
            for others in (found.one_worker, found.workers) if beside_cp_sat else ():
                ratio = Latency.of_seconds(others).p50_ms / search.p50_ms
                row += [_shown(others), f"{ratio:.1f}"]
            table.add_row(*row)
    console.print(table)


def _shown(samples: Sequence[float]) -> str:
    latency = Latency.of_seconds(samples)
    return f"{latency.p50_ms:.0f} / {latency.p99_ms:.0f}"


if __name__ == "__main__":
    typer.run(main)
