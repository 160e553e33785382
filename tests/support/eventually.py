"""Waiting for what happens in another process, with a limit and an answer why it did not."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import monotonic


async def eventually(
    holds: Callable[[], Awaitable[object] | object],
    *,
    within_s: float = 10.0,
    every_s: float = 0.05,
) -> None:
    """Ask `holds` again and again until it answers true or stops failing an assertion."""
    deadline = monotonic() + within_s
    while True:
        try:
            answer = holds()
            if inspect.isawaitable(answer):
                answer = await answer
            if answer or answer is None:
                return
            wrong: AssertionError = AssertionError(f"{holds} answered {answer!r}")
        except AssertionError as error:
            wrong = error
        if monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {wrong}") from wrong
        await asyncio.sleep(every_s)
