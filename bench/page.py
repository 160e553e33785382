"""`docs/benchmarks.md`: the figures in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bench.figures import Latency, Rate
from bench.growth import Grown
from bench.pipeline import Pipelines
from bench.relay import EVENTS_PER_S, Relayed
from bench.results import Results
from bench.story import Story

QUICK = "**A quick run that only tries every piece: its figures mean nothing.**\n"

_HEAD = """\
# Benchmarks

Written by `make bench`, or by `python -m bench backbone` alone, which measures everything below in
one run; what is compared takes turns, round by round, and figures are medians of the rounds unless
said otherwise. The numbers alone are in [`benchmarks.json`](benchmarks.json), the figures of plans
and bookings in [`benchmarks-desk.md`](benchmarks-desk.md), those of charges and superbills in
[`benchmarks-money.md`](benchmarks-money.md). Ratios travel between machines; absolute figures do
not.

![Pipeline, relay, story and growth](benchmarks.svg)
"""

_PIPELINE = """\
## The full pipeline of one process

Consume, decode, dedupe, decide, rows, outbox, publish, for billing's `charge_for_infusion`: one
read of fee, tender and card, a charge, a payment attempt, work that falls due, an event. Timed
from the first record in hand to the broker's acknowledgement of the last event; every way leaves
the same rows behind, and the run fails if it does not.

- **the seam**: consumer, seam, unit of work and relay as every service runs them;
- **plain FastStream**: the same decider and relay behind a typed handler, one transaction and one
  offset commit per event;
- **by hand**: a loop of aiokafka and asyncpg with `unnest`, the same reads and writes. It has inbox
  and outbox, and neither parking, nor retries, nor the order of keys across replicas, nor traces.
"""

_RELAY = """\
## The relay

Delay runs from the moment a transaction asks for its commit to the broker's acknowledgement, so
the commit's own write to disk is in it; a direct send has none. Events come at {rate} per second
whether or not those before them have left.
"""

_STORY = """\
## One infusion's story

Billing and notifications as processes of their own, with scheduling, pharmacy and the simulated
outside world beside them on the same machine. From the moment `InfusionCompleted` asks for its
commit to the departure of the call that charges the card, and from `PatientDischarged` to the
departure of the text. Everything that an infusion leads to is done meanwhile: payment, superbill
with its PDF, receipt, notices.
"""

_GROWTH = """\
## Growth

`backlog`: events that wait, on the topic for the pipeline and in the outbox for the relay.
`tables`: rows that inbox, event log and due work each hold already. Events per second.
"""

_FOOTPRINT = """\
## Footprint

Resident memory of each process after the story, and the time from the command that `make up` runs,
on an empty folder with everything installed, to a practice whose every part says that it is ready.
"""


def write(results: Results) -> str:
    """The page."""
    parts = [
        _HEAD,
        *([QUICK] if results.quick else []),
        measured_on(results.at, results.took_s),
        table(("", "this machine"), results.machine.items()),
        _PIPELINE,
        _pipeline(results.pipeline),
        _RELAY.format(rate=EVENTS_PER_S),
        _relay(results.relay),
        _STORY,
        _story(results.story),
        _GROWTH,
        _growth(results),
        _FOOTPRINT,
        table(
            ("process", "MiB"),
            ((name, f"{mb:.0f}") for name, mb in results.story.memory_mb.items()),
        ),
        f"From the command to ready: **{results.ready_s:.1f} s**.\n",
    ]
    return "\n".join(parts)


def measured_on(at: datetime, took_s: float) -> str:
    """When a page was measured, and for how long."""
    return f"Measured on {at:%Y-%m-%d %H:%M} UTC in {took_s / 60:.1f} minutes.\n"


def _pipeline(found: Pipelines) -> str:
    ways = {
        "the seam": found.seam,
        "plain FastStream": found.plain,
        "by hand": found.handwritten,
    }
    return (
        table(
            ("way", "events/s", "least to most", "the seam against it"),
            (
                (name, *of_rate(rate), "" if rate is found.seam else _times(found.seam, rate))
                for name, rate in ways.items()
            ),
        )
        + "\nAims: at least 20 times plain FastStream, at least 0.5 times by hand.\n"
    )


def _relay(found: Relayed) -> str:
    rows = (
        ("outbox and relay", *of_rate(found.relay), *of_delay(found.relay_delay)),
        ("direct produce", *of_rate(found.direct), *of_delay(found.direct_delay)),
    )
    return (
        table(("way", "events/s from a backlog", "least to most", "p50", "p99"), rows)
        + f"\nThe relay adds **{found.added_p99_ms:.1f} ms** at p99 (aim: at most 10 ms).\n"
    )


def _story(found: Story) -> str:
    return table(
        ("infusions/s", "for", "counted", "charge p50", "charge p99", "text p50", "text p99"),
        (
            (
                f"{told.infusions_per_s:g}",
                f"{told.for_s:g} s",
                str(len(told.charge.samples_ms)),
                *of_delay(told.charge),
                *of_delay(told.message),
            )
            for told in found.told
        ),
    )


def _growth(results: Results) -> str:
    growth = results.growth
    small, large = growth.relay_delay
    rows = [
        _grown("pipeline, backlog", growth.backlog, growth.backlog.pipeline),
        _grown("relay, backlog", growth.backlog, growth.backlog.relay),
        _grown("pipeline, tables", growth.tables, growth.tables.pipeline),
        _grown("relay, tables", growth.tables, growth.tables.relay),
    ]
    return (
        table(("", "from", "to", "events/s", "then", "ratio"), rows)
        + f"\nThe relay's delay with those tables, p50 and p99: {small.p50_ms:.1f} and"
        + f" {small.p99_ms:.1f} ms, then {large.p50_ms:.1f} and {large.p99_ms:.1f} ms.\n"
    )


def _grown(name: str, grown: Grown, found: tuple[float, float]) -> tuple[str, ...]:
    small, large = found
    sizes = (f"{size:,}" for size in grown.sizes)
    return (name, *sizes, f"{small:,.0f}", f"{large:,.0f}", f"{large / small:.2f}")


def of_rate(rate: Rate) -> tuple[str, str]:
    """Median, and least to most."""
    return f"{rate.median:,.0f}", f"{rate.least:,.0f} to {rate.most:,.0f}"


def _times(ours: Rate, theirs: Rate) -> str:
    return f"{ours.median / theirs.median:.2f} times"


def of_delay(delay: Latency) -> tuple[str, str]:
    """p50 and p99."""
    return f"{delay.p50_ms:.1f} ms", f"{delay.p99_ms:.1f} ms"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
