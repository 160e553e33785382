"""The machine that a run was made on, as a reader needs it to judge the figures."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import psutil

from bench.ground import Ground

FSYNCS = 200
_GB = 1024**3
_LIBRARIES = ("faststream", "aiokafka", "sqlalchemy", "asyncpg", "pydantic")


async def describe(ground: Ground) -> dict[str, str]:
    """Words for each property, in the order in which they are told."""
    connection = await ground.postgres.connect()
    try:
        postgres = await connection.fetchval("SHOW server_version")
        durable = await connection.fetchval("SHOW fsync")
    finally:
        await connection.close()
    busy = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / _GB:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "disk": f"one 8 KiB write and fsync takes {_fsync_ms(ground.folder):.2f} ms (median)",
        "PostgreSQL": f"{postgres}, embedded, over its socket, fsync {durable}",
        "Kafka": _broker(ground),
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "load before the run": f"{busy} (1, 5, 15 min)",
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _broker(ground: Ground) -> str:
    kinds = {
        "maven": "Apache Kafka from Maven, one node, on this machine",
        "container": "Apache Kafka in a container on this machine",
        "given": "a broker given by its address",
        "embedded": "librdkafka's in-process broker (memory only)",
    }
    return kinds.get(ground.kafka.kind, ground.kafka.kind)


def _fsync_ms(folder: Path) -> float:
    """Median of one write and fsync where the database lies."""
    took: list[float] = []
    path = folder / "fsync"
    with path.open("wb", buffering=0) as file:
        for _ in range(FSYNCS):
            started = perf_counter()
            file.write(bytes(8192))
            os.fsync(file.fileno())
            took.append((perf_counter() - started) * 1000)
    path.unlink()
    return sorted(took)[FSYNCS // 2]
