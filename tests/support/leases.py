"""Leases of due work that run out at once instead of in most of a minute."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_RUN_OUT = text(
    "UPDATE due_work SET leased_until = clock_timestamp()"
    " WHERE state = 'running' AND kind = coalesce(:kind, kind)"
)


async def run_out(engine: AsyncEngine, kind: str | None = None) -> bool:
    """Have every lease, or those of a kind, run out. False when there is none."""
    async with engine.begin() as connection:
        return bool((await connection.execute(_RUN_OUT, {"kind": kind})).rowcount)
