"""`python -m bench`: measure everything in one run and write it down."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import footprint, growth, machine, page, pipeline, planner, plot, relay, story
from bench.desk import bookings, day_view, plans
from bench.desk import page as desk_page
from bench.desk import plot as desk_plot
from bench.desk import results as desk
from bench.ground import Ground, started
from bench.money import page as money_page
from bench.money import plot as money_plot
from bench.money import results as money
from bench.results import Results
from bench.sizes import FULL, QUICK, Sizes
from shared.clock import real_now
from shared.service import keep_for_good

DOCS = Path(__file__).parents[1] / "docs"
NUMBERS = "benchmarks.json"


class Part(StrEnum):
    """What one run measures and writes on one page."""

    BACKBONE = "backbone"
    DESK = "desk"
    MONEY = "money"


def main(
    parts: Annotated[
        list[Part] | None, typer.Argument(help="Which pages; all unless said.")
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Try every piece; the figures mean nothing.")
    ] = False,
    into: Annotated[Path, typer.Option(help="Where pages, numbers and pictures go.")] = DOCS,
) -> None:
    """Measure the backbone, the front desk and the money, and write a page of each."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # fresh topics have no leader yet
    console, sizes = Console(), QUICK if quick else FULL
    keep_for_good()  # as every service does; whatever is measured in this process has it
    with started(console.print) as ground:
        for part in parts or Part:
            match part:
                case Part.BACKBONE:
                    found = asyncio.run(measure(ground, sizes, console, quick=quick))
                    write(found, into)
                case Part.DESK:
                    at_desk = asyncio.run(measure_desk(ground, sizes, console, quick=quick))
                    write_desk(at_desk, into)
                case Part.MONEY:
                    of_money = asyncio.run(measure_money(ground, sizes, console, quick=quick))
                    write_money(of_money, into)
    console.print_json((into / NUMBERS).read_text())
    console.print(f"Written to {into}.")


async def measure(ground: Ground, sizes: Sizes, console: Console, *, quick: bool) -> Results:
    """One measurement after the other, so that none disturbs another."""
    began = perf_counter()
    at, described = real_now(), await machine.describe(ground)
    steps = {
        "pipeline": 3 * sizes.rounds,
        "relay": 2 * sizes.rounds,
        "story": len(sizes.story_s),
        "growth": 4,
        "ready": 1,
    }
    with shown(steps, console) as begin:
        pipelines = await pipeline.measure(ground, sizes, begin("pipeline"))
        relayed = await relay.measure(ground, sizes, begin("relay"))
        told = await story.measure(ground, sizes, begin("story"))
        grown = await growth.measure(ground, sizes, begin("growth"))
        ready = begin("ready")
        ready_s = await footprint.measure_ready_s(ground)
        ready()
    took_s = perf_counter() - began
    return Results(at, took_s, quick, described, pipelines, relayed, told, grown, ready_s)


async def measure_desk(
    ground: Ground, sizes: Sizes, console: Console, *, quick: bool
) -> desk.Results:
    """Plans, bookings and the day's list, one after the other."""
    began = perf_counter()
    at, described = real_now(), await machine.describe(ground)
    steps = {
        "plans": len(sizes.chairs) * len(planner.FILLS),
        "bookings": 2 * sizes.rounds,
        "day view": 2 * sizes.rounds,
    }
    with shown(steps, console) as begin:
        planned = plans.measure(sizes, begin("plans"))
        booked = await bookings.measure(ground, sizes, begin("bookings"))
        viewed = await day_view.measure(ground, sizes, begin("day view"))
    took_s = perf_counter() - began
    return desk.Results(at, took_s, quick, described, planned, booked, viewed)


async def measure_money(
    ground: Ground, sizes: Sizes, console: Console, *, quick: bool
) -> money.Results:
    """Charges, webhooks, superbills and the ledger, in one practice."""
    began = perf_counter()
    at, described = real_now(), await machine.describe(ground)
    with shown(money.steps(sizes), console) as begin:
        measured = await money.measure(ground, sizes, begin)
    return money.Results(at, perf_counter() - began, quick, described, measured)


@contextmanager
def shown(
    steps: Mapping[str, int], console: Console
) -> Iterator[Callable[[str], Callable[[], object]]]:
    """Show how far each measurement is. What it yields begins one, and answers its next step."""
    with Progress(
        TextColumn("{task.description:12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        tasks = {name: progress.add_task(name, total=n, start=False) for name, n in steps.items()}

        def begin(name: str) -> Callable[[], object]:
            progress.start_task(tasks[name])
            return lambda: progress.advance(tasks[name])

        yield begin


def write(results: Results, folder: Path) -> None:
    """The backbone's page, numbers and picture."""
    _note(results.figures(), folder)
    (folder / "benchmarks.md").write_text(page.write(results))
    plot.draw(results, folder / "benchmarks.svg")


def write_desk(results: desk.Results, folder: Path) -> None:
    """The front desk's page, numbers and picture."""
    _note(results.figures(), folder)
    (folder / "benchmarks-desk.md").write_text(desk_page.write(results))
    desk_plot.draw(results, folder / "benchmarks-desk.svg")


def write_money(results: money.Results, folder: Path) -> None:
    """Billing's page, numbers and picture."""
    _note(results.figures(), folder)
    (folder / "benchmarks-money.md").write_text(money_page.write(results))
    money_plot.draw(results, folder / "benchmarks-money.svg")


def _note(figures: Mapping[str, object], folder: Path) -> None:
    """Put the figures beside those of the other pages."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = folder / NUMBERS
    known = json.loads(numbers.read_text()) if numbers.exists() else {}
    numbers.write_text(json.dumps({**known, **figures}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
