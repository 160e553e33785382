"""`python -m bench`: measure everything in one run and write it down."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import footprint, growth, machine, page, pipeline, plot, relay, story
from bench.ground import Ground, started
from bench.results import Results
from bench.sizes import FULL, QUICK, Sizes
from shared.clock import real_now

DOCS = Path(__file__).parents[1] / "docs"


def main(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Try every piece; the figures mean nothing.")
    ] = False,
    into: Annotated[Path, typer.Option(help="Where benchmarks.md, .json and .svg go.")] = DOCS,
) -> None:
    """Measure pipeline, relay, story, growth and footprint, and write the page."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # fresh topics have no leader yet
    console = Console()
    with started(console.print) as ground:
        results = asyncio.run(measure(ground, QUICK if quick else FULL, console, quick=quick))
    write(results, into)
    console.print_json(data=results.figures())
    console.print(f"Written to {into}/benchmarks.md, .json and .svg in {results.took_s:.0f} s.")


async def measure(ground: Ground, sizes: Sizes, console: Console, *, quick: bool) -> Results:
    """One measurement after the other, so that none disturbs another."""
    began = perf_counter()
    at, described = real_now(), await machine.describe(ground)
    with Progress(
        TextColumn("{task.description:12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        steps = {
            "pipeline": 3 * sizes.rounds,
            "relay": 2 * sizes.rounds,
            "story": len(sizes.story_s),
            "growth": 4,
            "ready": 1,
        }
        tasks = {name: progress.add_task(name, total=n, start=False) for name, n in steps.items()}

        def begin(name: str) -> None:
            progress.start_task(tasks[name])

        def step(name: str) -> None:
            progress.advance(tasks[name])

        begin("pipeline")
        pipelines = await pipeline.measure(ground, sizes, lambda: step("pipeline"))
        begin("relay")
        relayed = await relay.measure(ground, sizes, lambda: step("relay"))
        begin("story")
        told = await story.measure(ground, sizes, lambda: step("story"))
        begin("growth")
        grown = await growth.measure(ground, sizes, lambda: step("growth"))
        begin("ready")
        ready_s = await footprint.measure_ready_s(ground)
        step("ready")
    took_s = perf_counter() - began
    return Results(at, took_s, quick, described, pipelines, relayed, told, grown, ready_s)


def write(results: Results, folder: Path) -> None:
    """The page, the numbers, the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.md").write_text(page.write(results))
    (folder / "benchmarks.json").write_text(json.dumps(results.figures(), indent=2) + "\n")
    plot.draw(results, folder / "benchmarks.svg")


if __name__ == "__main__":
    typer.run(main)
