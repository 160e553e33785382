"""Schemathesis at a running service: whether its routes keep to their own OpenAPI document."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOOKS = "tests.support.schemathesis_hooks"


async def strays(
    url: str, folder: Path, *, routes: str, token: str, on_record: Mapping[str, object]
) -> str:
    """What it finds, in its words; empty when it finds nothing.

    `on_record` names path and query parameters of what is there, so that more than a 404 is tried.
    """
    config = folder / "schemathesis.toml"
    known = "".join(f'"{name}" = "{value}"\n' for name, value in on_record.items())
    config.write_text(f"[parameters]\n{known}")
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--include-path-regex", routes),
        *("--header", f"Authorization: Bearer {token}"),
        *("--exclude-checks", "positive_data_acceptance"),  # the hooks have the house's own
        *("--max-examples", "20", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asked.communicate()
    return said.decode() if asked.returncode else ""
