"""The front desk's figures as one picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.desk.bookings import Bookings
from bench.desk.day_view import DayViews
from bench.desk.plans import Planned
from bench.desk.results import AIM_MS, Results
from bench.plot import ACCENT, GREY, INK, SECOND, STYLE, draw_share, finish_share


def draw(results: Results, path: Path) -> None:
    """Write the picture as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.4), layout="constrained")
        plans, bookings, day_views = figure.subplots(1, 3)
        _draw_plans(plans, results.plans)
        _draw_bookings(bookings, results.bookings)
        _draw_day_views(day_views, results.day_views)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_plans(axes: Axes, found: tuple[Planned, ...]) -> None:
    names = [f"{planned.chairs} chairs, {planned.fill:.0%}" for planned in found]
    free = [planned.free_starts.p50_ms for planned in found]
    axes.barh(names, free, color=GREY, label="free starts")
    search = [planned.search.p50_ms for planned in found]
    axes.barh(names, search, left=free, color=ACCENT, label="search")
    axes.axvline(AIM_MS, color=INK, linewidth=0.8, linestyle="--")
    axes.invert_yaxis()
    axes.set_xlabel("ms (medians)")
    axes.legend(fontsize=7, loc="upper right", framealpha=0.9, edgecolor="none")
    axes.set_title("Eight infusions planned")


def _draw_bookings(axes: Axes, found: Bookings) -> None:
    ways = {"scheduling": found.scheduling, "check,\nthen insert": found.check_then_insert}
    rates = [way.rate for way in ways.values()]
    spread = [
        [rate.median - rate.least for rate in rates],
        [rate.most - rate.median for rate in rates],
    ]
    medians = [rate.median for rate in rates]
    bars = axes.bar(list(ways), medians, yerr=spread, color=[ACCENT, SECOND], ecolor=INK)
    axes.bar_label(bars, [f"{way.double} double" for way in ways.values()], padding=6)
    axes.margins(y=0.2)
    axes.set_ylabel("series/s")
    axes.set_title("20 desks book at a time")


def _draw_day_views(axes: Axes, found: DayViews) -> None:
    for size, delay, color in zip(found.sizes, found.delays, (GREY, ACCENT), strict=True):
        draw_share(axes, delay, f"{size:,} visits stored", color)
    finish_share(axes)
    axes.set_title("A day's list of one place")
