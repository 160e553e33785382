"""When nothing is left to do at this moment, and at which moment there next will be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Self

import httpx

from deploy.local.installation import State, Trouble

STUCK_AFTER_S = 90.0
"""Real time without any progress. Retries against a failing vendor back off to seconds."""

_LOOK_S = 0.02
_OUTSIDE = "outside"

Rest = dict[str, Any]
_SILENT: Rest = {"at_rest": False, "next_due_at": None}
"""What somebody who does not answer is taken to say."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Everything is at rest. `services_due` and `outside_due` say when it next will not be."""

    services_due: datetime | None
    outside_due: datetime | None
    moves: int


class Listener:
    """Asks every service and the outside world whether they are at rest."""

    def __init__(self, state: State) -> None:
        self._rests = {name: f"{url}/health/rest" for name, url in state.services.items()}
        self._rests[_OUTSIDE] = f"{state.outside}/control/rest"
        self._client = httpx.AsyncClient(timeout=15.0, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def until_quiet(self) -> Quiet:
        """Wait until all is at rest twice in a row and nothing has moved in between."""
        everybody = list(self._rests)
        asked, rests = everybody, dict.fromkeys(everybody, _SILENT)
        before: list[int] | None = None
        deadline = monotonic() + STUCK_AFTER_S
        while True:
            told = dict(zip(asked, await asyncio.gather(*map(self._ask, asked)), strict=True))
            if any(rests[name] != rest for name, rest in told.items()):
                deadline = monotonic() + STUCK_AFTER_S
            rests |= told
            busy = [name for name, rest in rests.items() if not rest["at_rest"]]
            if busy and monotonic() > deadline:
                raise Trouble(f"no rest for {STUCK_AFTER_S:g} s: {'; '.join(_busy(rests))}")
            if busy:
                asked, before = busy, None
                await asyncio.sleep(_LOOK_S)
            elif asked != everybody:
                asked = everybody
            else:
                moves = [rest.get("moves", 0) for rest in rests.values()]
                if moves == before:
                    return _quiet(rests)
                before = moves

    async def _ask(self, name: str) -> Rest:
        try:
            answer = await self._client.get(self._rests[name])
            return dict(answer.json()) if answer.is_success else _SILENT
        except httpx.HTTPError:
            return _SILENT


def _quiet(rests: dict[str, Rest]) -> Quiet:
    due = {
        name: datetime.fromisoformat(rest["next_due_at"])
        for name, rest in rests.items()
        if rest["next_due_at"] is not None
    }
    outside = due.pop(_OUTSIDE, None)
    moves = sum(rest.get("moves", 0) for rest in rests.values())
    return Quiet(min(due.values(), default=None), outside, moves)


def _busy(rests: dict[str, Rest]) -> list[str]:
    """Who is not at rest, and with what."""
    parts = {
        "unheard": "events not heard",
        "unfinished_work": "pieces of work not finished",
        "outbox": "events not published",
    }
    busy = []
    for name, rest in rests.items():
        if rest is _SILENT:
            busy.append(f"{name} does not answer")
        elif not rest["at_rest"]:
            words = [f"{rest[part]} {what}" for part, what in parts.items() if rest.get(part)]
            busy.append(f"{name} has {', '.join(words) or 'something under way'}")
    return busy
