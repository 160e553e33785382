"""The bench runs, and its figures bear the names by which others read them. No test on speed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import growth, machine, pipeline, relay, story
from bench.__main__ import write
from bench.figures import Latency
from bench.ground import Ground
from bench.results import Results
from bench.sizes import QUICK
from bench.story import Story, Told
from deploy.local.ground import Kafka
from deploy.local.postgres import Postgres
from services.billing.gateways.payments import Payments
from services.notifications.gateways.texts import Texts
from shared.clock import real_now

SIZES = replace(QUICK, events=120, events_one_by_one=12, delay_s=0.5, backlogs=(12, 60))


@pytest.fixture
def ground(postgres: Postgres, kafka: Kafka, tmp_path: Path) -> Ground:
    return Ground(postgres, kafka, tmp_path)


async def test_the_bench_measures_and_writes_every_figure_under_its_name(
    ground: Ground, tmp_path: Path
) -> None:
    steps: list[str] = []
    results = Results(
        at=real_now(),
        took_s=60.0,
        quick=True,
        machine=await machine.describe(ground),
        pipeline=await pipeline.measure(ground, SIZES, lambda: steps.append("pipeline")),
        relay=await relay.measure(ground, SIZES, lambda: steps.append("relay")),
        story=Story(
            (
                Told(1, 1.0, Latency((1.0, 2.0)), Latency((2.0, 3.0))),
                Told(50, 1.0, Latency((4.0, 5.0)), Latency((6.0, 7.0))),
            ),
            {"billing": 140.2},
        ),
        growth=await growth.measure(ground, SIZES, lambda: steps.append("growth")),
        ready_s=8.25,
    )
    assert [steps.count(name) for name in ("pipeline", "relay", "growth")] == [3, 2, 4]

    write(results, tmp_path)
    figures = json.loads((tmp_path / "benchmarks.json").read_text())
    assert {
        name: set(found) if isinstance(found, dict) else found for name, found in figures.items()
    } == {
        "pipeline": {"events_per_s", "ratio_plain_faststream", "ratio_handwritten"},
        "relay": {"added_p99_ms"},
        "story": {"charge_p99_ms", "message_p99_ms"},
        "growth": {
            "pipeline_by_backlog",
            "pipeline_by_tables",
            "relay_by_backlog",
            "relay_by_tables",
            "relay_p99_ms_by_tables",
        },
        "memory": {"billing_mb"},
        "ready_s": 8.2,
    }
    assert figures["story"] == {"charge_p99_ms": 5.0, "message_p99_ms": 7.0}
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| 50 | 1 s | 2 | 4.0 ms | 5.0 ms | 6.0 ms | 7.0 ms |" in page
    assert "its figures mean nothing" in page
    assert (tmp_path / "benchmarks.svg").read_text().startswith("<?xml")


def test_the_calls_that_the_story_looks_for_are_the_gateways_own() -> None:
    charge, message = story.CHARGE, story.MESSAGE
    assert charge == (Payments.__name__, Payments.capture.__name__)
    assert message == (Texts.__name__, Texts.send.__name__)


def test_a_percentile_is_a_delay_that_was_seen() -> None:
    delays = Latency.of_seconds([0.003, 0.001, 0.002])
    assert (delays.p50_ms, delays.p99_ms) == (2.0, 3.0)
    assert Latency(tuple(float(n) for n in range(1, 101))).p99_ms == 99.0
