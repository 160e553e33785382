"""In-process wake-ups: a commit tells the relay and the workers that there is something to do.

They are only a shortcut. Whoever waits also polls, so a wake that a crash swallowed costs half a
second, not an event.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Wakes:
    outbox: asyncio.Event = field(default_factory=asyncio.Event)
    due_work: asyncio.Event = field(default_factory=asyncio.Event)


async def woken(event: asyncio.Event, *, within_s: float) -> None:
    """Return when the event is set, or after `within_s`; the event is cleared."""
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()
