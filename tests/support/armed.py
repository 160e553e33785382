"""A service's own process, except that it ends by SIGKILL at one step of an outside call.

    "after services.pharmacy.gateways.signing:HttpSigning.open"

`before` the call, `after` it, or when its outcome is `written` and not committed. Nothing in the
product knows of this.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from typing import Any

from shared.messaging.gathered import Gathered


def arm(kill_at: str) -> None:
    side, _, where = kill_at.partition(" ")
    module, _, name = where.partition(":")
    owner, method = name.split(".")
    gateway = getattr(importlib.import_module(module), owner)
    call, finish = getattr(gateway, method), Gathered.finish
    answered: set[asyncio.Task[Any] | None] = set()

    async def deadly_call(*args: Any, **named: Any) -> Any:
        if side == "before":
            _die()
        answer = await call(*args, **named)
        if side == "after":
            _die()
        answered.add(asyncio.current_task())
        return answer

    async def deadly_finish(*args: Any) -> None:
        await finish(*args)
        if asyncio.current_task() in answered:
            _die()

    setattr(gateway, method, deadly_call)
    if side == "written":
        setattr(Gathered, "finish", deadly_finish)  # noqa: B010  # mypy knows it as a method


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
