"""Parked work: what a worker gave up, and what a person makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.messaging.handlers import Handlers
from shared.messaging.transaction import Transaction

_UNDER = text(
    """
    SELECT work_id, kind, coalesce(error_code, '?') AS reason, attempts, due_at
      FROM due_work WHERE state = 'parked' AND key = ANY(:keys) ORDER BY due_at
    """
)

_REPLAY = text(
    """
    UPDATE due_work
       SET state = 'resting', rests_until = clock_timestamp(), parked_at = NULL, attempts = 0
     WHERE work_id = :work_id AND state = 'parked'
    """
)

_DISCARD = text(
    """
    DELETE FROM due_work WHERE work_id = :work_id AND state = 'parked'
    RETURNING kind, payload, causation_id, correlation_id, traceparent
    """
)


@dataclass(frozen=True, slots=True)
class ParkedWork:
    """Work that a person must look at."""

    work_id: UUID
    kind: str
    reason: str
    attempts: int
    due_at: datetime


async def under(tx: Transaction, *keys: str) -> list[ParkedWork]:
    """What is parked under some keys, for a decider that says what stands in the way."""
    rows = await tx.execute(_UNDER, {"keys": list(keys)})
    return [ParkedWork(**row) for row in rows.mappings()]


class Replay(StrEnum):
    """What became of a wish to have parked work tried again."""

    AGAIN = "again"
    REPLACED = "replaced"
    NOT_PARKED = "not_parked"


async def replay(tx: Transaction, work_id: UUID) -> Replay:
    """Have parked work tried again, from its first attempt on.

    Not when newer work waits under its key: that replaced it, as it would while it still waited.
    """
    try:
        async with tx.connection.begin_nested():
            done = await tx.execute(_REPLAY, {"work_id": work_id})
    except IntegrityError:  # `uq_due_work_key`, the only constraint that this can meet
        return Replay.REPLACED
    return Replay.AGAIN if done.rowcount else Replay.NOT_PARKED


async def discard(tx: Transaction, handlers: Handlers, work_id: UUID) -> bool:
    """Give parked work up, and have its `discarded` decider free what waits for it.

    False when it is not parked.
    """
    row = (await tx.execute(_DISCARD, {"work_id": work_id})).one_or_none()
    if row is None:
        return False
    if (handler := handlers.discards.get(row.kind)) is not None:
        cause = tx.caused_by(
            event_id=row.causation_id,
            correlation_id=row.correlation_id,
            traceparent=row.traceparent,
        )
        await handler.decide(handler.work.model_validate(row.payload), cause)
    return True
