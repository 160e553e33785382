"""The bench of the money runs, and its figures bear their names. No test on speed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import machine
from bench.__main__ import write_money
from bench.ground import Ground
from bench.money import results as money
from bench.sizes import QUICK
from deploy.local.ground import Kafka
from deploy.local.postgres import Postgres
from shared.clock import real_now


@pytest.fixture
def ground(postgres: Postgres, kafka: Kafka, tmp_path: Path) -> Ground:
    return Ground(postgres, kafka, tmp_path)


async def test_charges_webhooks_superbills_and_the_ledger_are_measured_and_written(
    ground: Ground, tmp_path: Path
) -> None:
    """Every round counts what Stripe took and what was kept, so a run that ends is a run that
    doubled and lost nothing."""
    steps: list[str] = []

    def begin(name: str) -> Callable[[], object]:
        return lambda: steps.append(name)

    results = money.Results(
        at=real_now(),
        took_s=60.0,
        quick=True,
        machine=await machine.describe(ground),
        measured=await money.measure(ground, QUICK, begin),
    )
    assert {name: steps.count(name) for name in steps} == money.steps(QUICK)

    (tmp_path / "benchmarks.json").write_text('{"ready_s": 8.2}')
    write_money(results, tmp_path)
    figures = json.loads((tmp_path / "benchmarks.json").read_text())
    assert {
        name: set(found) if isinstance(found, dict) else found for name, found in figures.items()
    } == {
        "ready_s": 8.2,
        "charges": {"per_s", "one_by_one_per_s", "ratio"},
        "webhooks": {
            "per_s",
            "p99_ms",
            "worked_per_s",
            "in_request_per_s",
            "in_request_p99_ms",
            "ratio",
        },
        "superbills": {"per_s", "pdfs_per_s", "plain_pdfs_per_s", "kb"},
        "ledger": {
            "transfers",
            "balance_p50_ms",
            "balance_ratio",
            "aged_p50_ms",
            "trial_p50_ms",
        },
    }
    page = (tmp_path / "benchmarks-money.md").read_text()
    assert "its figures mean nothing" in page
    assert (tmp_path / "benchmarks-money.svg").read_text().startswith("<?xml")
