"""Requests that come at once are done in one transaction, as a database groups its commits.

While one batch is being done the next gathers, so whoever comes alone waits for nobody, and a
burst costs a few large transactions instead of many small ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.db import unreachable
from shared.messaging.transaction import UnitOfWork

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    item: T
    is_done: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Together(Generic[T]):
    """Does items batch by batch, in the order in which they came."""

    def __init__(
        self, do: Callable[[Sequence[T], UnitOfWork], Awaitable[None]], *, at_once: int
    ) -> None:
        self._do = do
        self._at_once = at_once
        self._waiting: deque[_Waiting[T]] = deque()
        self._doing: asyncio.Task[None] | None = None

    async def done(self, item: T, unit: UnitOfWork) -> None:
        """Return once `item` is committed. Raises what went wrong with it, and with no other."""
        waiting = _Waiting(item)
        self._waiting.append(waiting)
        if self._doing is None or self._doing.done():
            self._doing = asyncio.create_task(self._do_all(unit))
        await waiting.is_done

    async def _do_all(self, unit: UnitOfWork) -> None:
        while self._waiting:
            count = min(self._at_once, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            trouble = await self._try(batch, unit)
            if trouble is None or count == 1 or unreachable(trouble):
                _tell(batch, trouble)
            else:
                for one in batch:
                    _tell([one], await self._try([one], unit))

    async def _try(self, batch: Sequence[_Waiting[T]], unit: UnitOfWork) -> Exception | None:
        try:
            await self._do([one.item for one in batch], unit)
        except Exception as trouble:  # noqa: BLE001  # it is the request's, which raises it
            return trouble
        return None


def _tell(batch: Sequence[_Waiting[T]], trouble: Exception | None) -> None:
    for one in batch:
        if one.is_done.done():  # its caller has gone
            continue
        if trouble is None:
            one.is_done.set_result(None)
        else:
            one.is_done.set_exception(trouble)
