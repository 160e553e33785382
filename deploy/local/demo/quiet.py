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

_LOOK_S = 0.01
_OUTSIDE = "outside"


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
        before: tuple[Any, ...] | None = None
        seen: tuple[Any, ...] | None = None
        deadline = monotonic() + STUCK_AFTER_S
        while True:
            told = await asyncio.gather(*(self._ask(name) for name in self._rests))
            rests = dict(zip(self._rests, told, strict=True))
            now = tuple(repr(rest) for rest in told)
            if now != seen:
                seen, deadline = now, monotonic() + STUCK_AFTER_S
            if all(rest is not None and rest["at_rest"] for rest in told):
                moves = tuple(rest.get("moves") for rest in told if rest is not None)
                if moves == before:
                    return _quiet(rests)
                before = moves
            else:
                before = None
                await asyncio.sleep(_LOOK_S)
            if monotonic() > deadline:
                raise Trouble(f"no rest for {STUCK_AFTER_S:g} s: {'; '.join(_busy(rests))}")

    async def _ask(self, name: str) -> dict[str, Any] | None:
        try:
            answer = await self._client.get(self._rests[name])
            return dict(answer.json()) if answer.is_success else None
        except httpx.HTTPError:
            return None


def _quiet(rests: dict[str, dict[str, Any] | None]) -> Quiet:
    due = {
        name: datetime.fromisoformat(rest["next_due_at"])
        for name, rest in rests.items()
        if rest is not None and rest["next_due_at"] is not None
    }
    outside = due.pop(_OUTSIDE, None)
    moves = sum(rest.get("moves", 0) for rest in rests.values() if rest is not None)
    return Quiet(min(due.values(), default=None), outside, moves)


def _busy(rests: dict[str, dict[str, Any] | None]) -> list[str]:
    """Who is not at rest, and with what."""
    busy = []
    for name, rest in rests.items():
        if rest is None:
            busy.append(f"{name} does not answer")
        elif not rest["at_rest"]:
            parts = {
                "unheard": "events not heard",
                "unfinished_work": "pieces of work not finished",
                "outbox": "events not published",
            }
            words = [f"{rest[part]} {what}" for part, what in parts.items() if rest.get(part)]
            busy.append(f"{name} has {', '.join(words) or 'something under way'}")
    return busy
