"""Rounds: timers that come again. Whatever decides one, or parks it, also leaves the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ids import new_id
from shared.messaging import duework
from shared.messaging.duework import Wish
from shared.messaging.handlers import Handlers


@dataclass(slots=True)
class _OfItself:
    """The cause of what nobody asked for."""

    correlation_id: UUID
    causes_work: UUID | None = None
    traceparent: str | None = None

    @classmethod
    def new(cls) -> _OfItself:
        return cls(new_id())


async def begin(connection: AsyncConnection, handlers: Handlers, now: datetime) -> None:
    """Have every round wait for its first time that does not wait already."""
    wishes = [
        Wish(one.key, one.work, one.after(now), _OfItself.new()) for one in handlers.rounds.values()
    ]
    if wishes:
        await duework.write_missing(connection, wishes)


async def leave_next(
    connection: AsyncConnection, handlers: Handlers, kind: str, now: datetime
) -> None:
    """After a round of this kind the next one waits; other work leaves none."""
    if (one := handlers.rounds.get(kind)) is not None:
        await duework.write(connection, [Wish(one.key, one.work, one.after(now), _OfItself.new())])
