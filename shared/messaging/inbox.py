"""The inbox: which events a consumer is done with, written in the transaction of the act."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

_CLAIM = text(
    """
    INSERT INTO inbox (consumer, event_id, processed_at)
    SELECT :consumer, e, :at FROM unnest(:event_ids) AS e
    ON CONFLICT DO NOTHING RETURNING event_id
    """
).bindparams(
    bindparam("event_ids", type_=ARRAY(PG_UUID)), bindparam("at", type_=TIMESTAMP(timezone=True))
)

_CLAIMED = text(
    "SELECT event_id FROM inbox WHERE consumer = :consumer AND event_id = ANY(:event_ids)"
).bindparams(bindparam("event_ids", type_=ARRAY(PG_UUID)))


async def claim(
    connection: AsyncConnection, consumer: str, event_ids: Collection[UUID], *, at: datetime
) -> set[UUID]:
    """Claim events for this transaction; those that nobody has claimed before."""
    claimed = await connection.execute(
        _CLAIM, {"consumer": consumer, "event_ids": list(event_ids), "at": at}
    )
    return set(claimed.scalars())


async def claimed(
    connection: AsyncConnection, consumer: str, event_ids: Collection[UUID]
) -> set[UUID]:
    """Those of the events that were claimed before."""
    found = await connection.execute(_CLAIMED, {"consumer": consumer, "event_ids": list(event_ids)})
    return set(found.scalars())
