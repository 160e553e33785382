"""The front desk's bench runs, and its figures bear their names. No test on speed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import machine
from bench.__main__ import write_desk
from bench.desk import bookings, day_view, plans
from bench.desk.bookings import VISITS_EACH
from bench.desk.results import Results
from bench.ground import Ground
from bench.sizes import QUICK
from deploy.local.ground import Kafka
from deploy.local.postgres import Postgres
from shared.clock import real_now

SIZES = replace(QUICK, bookings=20, day_views=1)


@pytest.fixture
def ground(postgres: Postgres, kafka: Kafka, tmp_path: Path) -> Ground:
    return Ground(postgres, kafka, tmp_path)


async def test_plans_bookings_and_the_days_list_are_measured_and_written(
    ground: Ground, tmp_path: Path
) -> None:
    """What scheduling refuses is what another desk has; only where nothing is held are there two
    visits in one chair."""
    steps: list[str] = []
    results = Results(
        at=real_now(),
        took_s=60.0,
        quick=True,
        machine=await machine.describe(ground),
        plans=plans.measure(SIZES, lambda: steps.append("plans")),
        bookings=await bookings.measure(ground, SIZES, lambda: steps.append("bookings")),
        day_views=await day_view.measure(ground, SIZES, lambda: steps.append("day view")),
    )
    assert [steps.count(name) for name in ("plans", "bookings", "day view")] == [3, 2, 2]

    ours, theirs = results.bookings.scheduling, results.bookings.check_then_insert
    assert (ours.booked, ours.refused, ours.double) == (SIZES.bookings, 2, 0)
    assert theirs.booked + theirs.refused == ours.booked + ours.refused
    assert theirs.double == VISITS_EACH * (theirs.booked - SIZES.bookings)

    (tmp_path / "benchmarks.json").write_text('{"ready_s": 8.2}')
    write_desk(results, tmp_path)
    figures = json.loads((tmp_path / "benchmarks.json").read_text())
    assert figures.keys() == {"ready_s", "planner", "bookings", "day_view"}
    assert figures["planner"].keys() == {"20_chairs_20%", "20_chairs_80%", "20_chairs_95%"}
    assert figures["bookings"].keys() == {
        "series_per_s",
        "check_then_insert_series_per_s",
        "ratio",
        "double_bookings",
        "check_then_insert_double_bookings",
    }
    assert figures["day_view"].keys() == {
        "p50_ms",
        "p99_ms",
        "p50_ms_small",
        "p99_ms_small",
        "ratio",
    }
    page = (tmp_path / "benchmarks-desk.md").read_text()
    assert "| 4,800 |" in page
    assert "its figures mean nothing" in page
    assert (tmp_path / "benchmarks-desk.svg").read_text().startswith("<?xml")
