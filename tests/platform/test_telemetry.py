"""A trace runs through every cause, and says no more than the logs may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from shared import telemetry
from shared.errors import Poison, Retry
from shared.telemetry import Metrics, child_of, current_traceparent, span

CANARY = "Testa Canary +1 202-555-0147"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = PARENT.split("-")[1]


class Written:
    def __init__(self, path: Path) -> None:
        self.path = path

    def spans(self) -> list[dict[str, Any]]:
        telemetry.stop_tracing()
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    path = tmp_path / "trace.jsonl"
    telemetry.set_up_tracing("test", path)
    yield Written(path)
    telemetry.stop_tracing()


def test_a_child_keeps_the_trace_and_has_a_span_of_its_own() -> None:
    child = child_of(PARENT)
    assert child.split("-")[1] == TRACE
    assert child.split("-")[2] != PARENT.split("-")[2]
    assert len(child) == len(PARENT)


@given(st.one_of(st.text(max_size=60), st.just(f"00-{CANARY:<32.32}-b7ad6b7169203331-01")))
def test_what_is_no_traceparent_starts_a_new_trace_and_is_not_carried_on(hostile: str) -> None:
    child = child_of(hostile)
    assert telemetry._parsed(child) is not None
    assert not set(hostile.split("-")) & {child.split("-")[1]}


@pytest.mark.parametrize("part", [TRACE, PARENT.split("-")[2]])
def test_a_traceparent_of_zeros_is_none(part: str) -> None:
    assert child_of(PARENT.replace(part, "0" * len(part))).split("-")[1] not in {TRACE, "0" * 32}


def test_without_a_file_only_the_ids_travel() -> None:
    with span("outer", parent=PARENT) as outer:
        with span("inner") as inner:
            assert current_traceparent() == inner
            assert inner.split("-")[1] == outer.split("-")[1] == TRACE
        assert current_traceparent() == outer
    assert current_traceparent() is None


def test_with_a_file_spans_are_written_under_their_parents(written: Written) -> None:
    with span("outer", parent=PARENT, attempts=2), span("inner") as inner:
        assert current_traceparent() == inner
        telemetry.note(status=201)
    wrote = {one["name"]: one for one in written.spans()}
    assert wrote["outer"]["parent_id"] == f"0x{PARENT.split('-')[2]}"
    assert wrote["inner"]["parent_id"] == wrote["outer"]["context"]["span_id"]
    assert wrote["inner"]["context"]["span_id"] == f"0x{inner.split('-')[2]}"
    assert {one["context"]["trace_id"] for one in wrote.values()} == {f"0x{TRACE}"}
    assert wrote["outer"]["attributes"] == {"attempts": 2}
    assert wrote["inner"]["attributes"] == {"status": 201}


def test_a_span_says_no_more_than_the_logs_may(written: Written) -> None:
    with suppress(ValueError), span("x", patient_name=CANARY, kind="visit"):
        telemetry.note(phone=CANARY)
        raise ValueError(CANARY)
    [one] = written.spans()
    assert one["attributes"] == {"kind": "visit"}
    assert one["status"] == {"status_code": "ERROR", "description": "ValueError"}
    assert one["events"] == []
    assert "Canary" not in written.path.read_text()


async def test_spans_of_tasks_running_at_once_do_not_mix(written: Written) -> None:
    async def one() -> bool:
        with span("task") as mine:
            await asyncio.sleep(0.001)
            return current_traceparent() == mine

    assert all(await asyncio.gather(*(one() for _ in range(20))))
    assert len({one["context"]["trace_id"] for one in written.spans()}) == 20


class Printer:
    vendor_name = "printer"

    async def print(self, wish: str) -> str:
        match wish:
            case "busy":
                raise Retry("busy", CANARY)
            case "bad":
                raise Poison("bad", CANARY)
            case "slow":
                await asyncio.sleep(60)
            case "broken":
                raise KeyError(CANARY)
        return f"printed {wish}"

    def close(self) -> str:
        return "closed"


async def test_calls_to_a_vendor_are_counted_by_outcome_and_timed() -> None:
    metrics = Metrics()
    printer = telemetry.measured(Printer(), "Printer", metrics)
    assert await printer.print("page") == "printed page"
    assert (printer.close(), printer.vendor_name) == ("closed", "printer")
    for wish, error in (("busy", Retry), ("bad", Poison), ("broken", KeyError)):
        with pytest.raises(error):
            await printer.print(wish)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await printer.print("slow")
    page = generate_latest(metrics.registry).decode()
    for outcome in ("ok", "retry", "poison", "bug", "timeout"):
        assert f'practice_gateway_calls_total{{outcome="{outcome}",vendor="Printer"}} 1.0' in page
    assert 'practice_gateway_call_seconds_count{vendor="Printer"} 5.0' in page
    assert "Canary" not in page


def test_two_processes_worth_of_metrics_do_not_mix() -> None:
    one, other = Metrics(), Metrics()
    one.called("A", "ok", 0.1)
    assert b'vendor="A"' not in generate_latest(other.registry)
