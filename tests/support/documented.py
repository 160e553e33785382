"""Schemathesis at a running service: whether its routes keep to their own OpenAPI document."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.support.seeds import same_seed

ROOT = Path(__file__).parents[2]
HOOKS = "tests.support.schemathesis_hooks"

PHASES = "examples,coverage,fuzzing"

UNREADY = """
[[operations]]
include-path = "/health/ready"
checks.not_a_server_error.enabled = false
"""
"""A service that a test runs without Kafka says so by a 503, which is in the document."""


async def strays(
    url: str,
    folder: Path,
    *,
    token: str,
    on_record: Mapping[str, object],
    phases: str = PHASES,
    beside: str | None = None,
) -> str:
    """What it finds when it tries every route, in its words; empty when it finds nothing.

    `on_record` names path and query parameters of what is there, so that more than a 404 is tried.
    Paths that match `beside` are left to others.
    """
    config = folder / "schemathesis.toml"
    known = "".join(f'"{name}" = "{value}"\n' for name, value in on_record.items())
    config.write_text(f"[parameters]\n{known}{UNREADY}")
    async with httpx.AsyncClient(timeout=60, trust_env=False) as first:
        await first.get(f"{url}/openapi.json")  # it is written once: whoever asks again has it soon
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--exclude-checks", "positive_data_acceptance"),  # the hooks have the house's own
        *(() if beside is None else ("--exclude-path-regex", beside)),
        *("--max-examples", "5", "--seed", same_seed(), "--phases", phases),
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asked.communicate()
    return said.decode() if asked.returncode else ""
