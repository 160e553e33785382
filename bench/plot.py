"""The figures as one picture: bars with their spread, delays as the share that was faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from bench.figures import Latency, Rate
from bench.growth import Growth
from bench.pipeline import Pipelines
from bench.relay import Relayed
from bench.results import Results
from bench.story import Story

INK, ACCENT, SECOND, GREY = "#22313f", "#1f6f8b", "#c8553d", "#9aa5b1"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "practice",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def draw(results: Results, path: Path) -> None:
    """Write the picture as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 6.4), layout="constrained")
        (pipeline, relay), (story, growth) = figure.subplots(2, 2)
        _draw_pipeline(pipeline, results.pipeline)
        _draw_relay(relay, results.relay)
        _draw_story(story, results.story)
        _draw_growth(growth, results.growth)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_pipeline(axes: Axes, found: Pipelines) -> None:
    ways: dict[str, Rate] = {
        "plain FastStream": found.plain,
        "the seam": found.seam,
        "by hand": found.handwritten,
    }
    medians = [rate.median for rate in ways.values()]
    spread = [
        [rate.median - rate.least for rate in ways.values()],
        [rate.most - rate.median for rate in ways.values()],
    ]
    bars = axes.barh(list(ways), medians, xerr=spread, color=[GREY, ACCENT, GREY], ecolor=INK)
    axes.bar_label(bars, [f"{median:,.0f}" for median in medians], padding=6)
    axes.set_xscale("log")
    axes.set_xlim(left=10)
    axes.margins(x=0.25)
    axes.set_title("Full pipeline, events/s of one process (log)")


def _draw_relay(axes: Axes, found: Relayed) -> None:
    draw_share(axes, found.direct_delay, "direct produce", GREY)
    draw_share(axes, found.relay_delay, "outbox and relay, commit included", ACCENT)
    axes.set_title("Until acknowledged, at 100 events/s")
    finish_share(axes)


def _draw_story(axes: Axes, found: Story) -> None:
    for told, dashes in zip(found.told, ("--", "-"), strict=True):
        rate = f"{told.infusions_per_s:g}/s"
        draw_share(axes, told.charge, f"charge leaves, {rate}", ACCENT, dashes)
        draw_share(axes, told.message, f"text leaves, {rate}", SECOND, dashes)
    axes.set_title("From the commit to the call, infusions/s")
    finish_share(axes)


def _draw_growth(axes: Axes, found: Growth) -> None:
    pairs = {
        "pipeline, backlog": found.backlog.pipeline,
        "relay, backlog": found.backlog.relay,
        "pipeline, tables": found.tables.pipeline,
        "relay, tables": found.tables.relay,
    }
    ratios = [large / small for small, large in pairs.values()]
    bars = axes.barh(list(pairs), ratios, color=ACCENT)
    axes.bar_label(bars, [f"{ratio:.2f}" for ratio in ratios], padding=4)
    axes.axvline(1.0, color=INK, linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title("Events/s as each grows, small = 1")


def draw_share(axes: Axes, delays: Latency, label: str, color: str, dashes: str = "-") -> None:
    """The share of delays that was shorter."""
    count = len(delays.samples_ms)
    shares = [(number + 1) / count for number in range(count)]
    axes.step(delays.samples_ms, shares, where="post", label=label, color=color, linestyle=dashes)


def finish_share(axes: Axes) -> None:
    """Axes and legend of shares."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("ms (log)")
    axes.set_ylabel("share that was faster")
    axes.set_ylim(0, 1.01)
    axes.legend(fontsize=7, loc="lower right", framealpha=0.9, edgecolor="none")
