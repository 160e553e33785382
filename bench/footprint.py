"""What the practice takes: memory per process, and time from `make up` to ready."""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

import psutil

from bench.ground import Ground
from deploy.local.installation import Installation, State
from deploy.local.processes import end_process, last_lines, start_process

READY_WITHIN_S = 120.0
LOOKS_EVERY_S = 0.02
_MB = 1024 * 1024


def resident_mb(practice: Installation) -> dict[str, float]:
    """Resident memory of each process of a running installation, in MiB."""
    return {
        name: psutil.Process(child.pid).memory_info().rss / _MB
        for name, child in practice.children.items()
        if child.pid is not None
    }


async def measure_ready_s(ground: Ground) -> float:
    """Seconds from the command that `make up` runs, on an empty folder, to a ready practice.

    Embedded PostgreSQL and Kafka, four services, the outside world; the environment is installed.
    """
    run, log = ground.folder / "run", ground.folder / "up.log"
    command = [sys.executable, "-m", "deploy.local.cli", "--run", str(run), "up"]
    started = perf_counter()
    process = start_process(command, log=log)
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while State.running_from(run / "up") is None:
                if process.poll() is not None:
                    raise RuntimeError(f"`practice up` ended:\n{last_lines(log)}")
                await asyncio.sleep(LOOKS_EVERY_S)
        return perf_counter() - started
    finally:
        end_process(process, grace_s=30.0)
