"""A module as a process of its own that answers over HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.processes import end_process, last_lines, start_process

READY_WITHIN_S = 60.0
LOOKS_EVERY_S = 0.05
TIME_LIMIT_S = 60.0


@asynccontextmanager
async def served(
    module: str,
    *,
    port: int,
    log: Path,
    environment: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `python -m module`, once `/health/ready` answers; it is ended afterwards."""
    process = start_process([sys.executable, "-m", module], log=log, env=environment)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers=headers,
            timeout=TIME_LIMIT_S,
            trust_env=False,
        ) as http:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await _is_ready(http):
                    if process.poll() is not None:
                        raise RuntimeError(f"{module} ended:\n{last_lines(log)}")
                    await asyncio.sleep(LOOKS_EVERY_S)
            yield http
    finally:
        end_process(process)


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).is_success
    except httpx.TransportError:
        return False
