"""Billing's figures as one picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import Rate
from bench.money.ledger import Ledgers
from bench.money.results import Results
from bench.money.webhooks import Webhooks
from bench.plot import ACCENT, GREY, INK, SECOND, STYLE, draw_share, finish_share


def draw(results: Results, path: Path) -> None:
    """Write the picture as SVG."""
    found = results.measured
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 6.4), layout="constrained")
        (charges, webhooks), (superbills, ledger) = figure.subplots(2, 2)
        ways = {"the workers": found.charges.workers, "one by one": found.charges.one_by_one}
        _draw_rates(charges, ways, "Cards charged, payments/s")
        _draw_webhooks(webhooks, found.webhooks)
        printed = found.superbills
        documents = {
            "the whole path": printed.whole,
            "PDF/A-3a, PDF/UA-1": printed.archived,
            "PDF of no standard": printed.plain,
        }
        _draw_rates(superbills, documents, "Superbills, documents/s")
        _draw_ledger(ledger, found.ledgers)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_rates(axes: Axes, ways: dict[str, Rate], title: str) -> None:
    medians = [rate.median for rate in ways.values()]
    spread = [
        [rate.median - rate.least for rate in ways.values()],
        [rate.most - rate.median for rate in ways.values()],
    ]
    colors = [ACCENT, *[GREY] * (len(ways) - 1)]
    bars = axes.barh(list(ways), medians, xerr=spread, color=colors, ecolor=INK)
    axes.bar_label(bars, [f"{median:,.0f}" for median in medians], padding=6)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_title(title)


def _draw_webhooks(axes: Axes, found: Webhooks) -> None:
    draw_share(axes, found.billing.delay, "billing", ACCENT)
    draw_share(axes, found.in_request.delay, "the work in the request", SECOND)
    axes.set_title("Webhooks of a burst, until answered")
    finish_share(axes)


def _draw_ledger(axes: Axes, found: Ledgers) -> None:
    pages = {
        "a patient's balance": (found.small.balance, found.large.balance),
        "aged receivables": (found.small.aged, found.large.aged),
        "trial balance": (found.small.trial, found.large.trial),
    }
    for shift, size, color in ((-0.2, 0, GREY), (0.2, 1, ACCENT)):
        places = [number + shift for number in range(len(pages))]
        medians = [delays[size].p50_ms for delays in pages.values()]
        stored = (found.small, found.large)[size].transfers
        bars = axes.barh(places, medians, 0.38, color=color, label=f"{stored:,} transfers")
        axes.bar_label(bars, [f"{median:,.0f}" for median in medians], padding=4)
    axes.set_yticks(range(len(pages)), list(pages))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set_xlabel("ms (medians, log)")
    axes.legend(fontsize=7, loc="upper right", framealpha=0.9, edgecolor="none")
    axes.set_title("The ledger's pages")
