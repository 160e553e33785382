"""The outbox: events that are committed and not yet confirmed by the broker, in each key's order.

Whoever writes events holds the locks of their keys until the commit, so the numbers of one key's
rows follow the order of the commits. A key always falls in the same slot, and a slot is emptied by
one relay at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, SMALLINT, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Event
from shared.messaging.tables import SLOTS

KEY_LOCKS = 512
"""Keys share this many advisory locks, so that a large batch never fills the lock table."""

KEY_LOCK_SPACE = 7_041_001
SLOT_LOCK_SPACE = 7_041_002

_LOCK = text(
    "SELECT pg_advisory_xact_lock(CAST(:space AS integer), k)"
    " FROM unnest(CAST(:locks AS integer[])) AS k"
)

_INSERT = text(
    """
    INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at)
    SELECT e, t, k, s, h, p, :at
      FROM unnest(:event_ids, :topics, :keys, :slots, :headers, :payloads)
           WITH ORDINALITY AS rows (e, t, k, s, h, p, n)
     ORDER BY n
    """
).bindparams(
    bindparam("event_ids", type_=ARRAY(PG_UUID)),
    bindparam("topics", type_=ARRAY(TEXT)),
    bindparam("keys", type_=ARRAY(TEXT)),
    bindparam("slots", type_=ARRAY(SMALLINT)),
    bindparam("headers", type_=ARRAY(JSONB)),
    bindparam("payloads", type_=ARRAY(BYTEA)),
    bindparam("at", type_=TIMESTAMP(timezone=True)),
)

_OFFER_AGAIN = text(
    """
    WITH again AS (
        SELECT seq, event_id, topic, key, slot, headers, payload
          FROM event_log WHERE published_at >= :since),
    unsent AS (
        DELETE FROM outbox WHERE key IN (SELECT key FROM again)
        RETURNING seq, event_id, topic, key, slot, headers, payload, committed_at, parked_at,
                  parked_code),
    placed AS (
        INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at, parked_at,
                            parked_code)
        SELECT event_id, topic, key, slot, headers, payload, committed_at, parked_at, parked_code
          FROM (SELECT 1 AS turn, seq, event_id, topic, key, slot, headers, payload,
                       CAST(:at AS timestamptz) AS committed_at,
                       CAST(NULL AS timestamptz) AS parked_at, CAST(NULL AS text) AS parked_code
                  FROM again
                 UNION ALL
                SELECT 2, * FROM unsent WHERE event_id NOT IN (SELECT event_id FROM again)) AS o
         ORDER BY turn, seq)
    SELECT count(*) FROM again
    """
).bindparams(
    bindparam("since", type_=TIMESTAMP(timezone=True)),
    bindparam("at", type_=TIMESTAMP(timezone=True)),
)

_REPLAY = text(
    """
    UPDATE outbox SET parked_at = NULL, parked_code = NULL
     WHERE event_id = :event_id AND parked_at IS NOT NULL
    """
)

_DISCARD = text("DELETE FROM outbox WHERE event_id = :event_id AND parked_at IS NOT NULL")


class Said(NamedTuple):
    """An event that a decider has said, with its id and its headers."""

    event_id: UUID
    event: Event
    headers: dict[str, str]

    @property
    def key(self) -> str:
        """The event's key, as its headers say it: an id is made text once per event."""
        return self.headers["ce_subject"]


async def lock_keys(connection: AsyncConnection, said: Sequence[Said]) -> None:
    """Hold the keys of what was said until the commit, in an order that never deadlocks."""
    await _lock(connection, KEY_LOCK_SPACE, {_hash(one.key) % KEY_LOCKS for one in said})


async def write(
    connection: AsyncConnection, said: Sequence[Said], *, topic_prefix: str, now: datetime
) -> None:
    """Write what was said, in its order. The keys are locked."""
    keys = [one.key for one in said]
    await connection.execute(
        _INSERT,
        {
            "event_ids": [one.event_id for one in said],
            "topics": [topic_prefix + one.event.producer for one in said],
            "keys": keys,
            "slots": [_hash(key) % SLOTS for key in keys],
            "headers": [one.headers for one in said],
            "payloads": [one.event.__pydantic_serializer__.to_json(one.event) for one in said],
            "at": now,
        },
    )


async def offer_again(connection: AsyncConnection, *, since: datetime, now: datetime) -> int:
    """Put the events confirmed since practice time `since` in the outbox again; how many.

    Newer events of the same keys that still wait move behind them. Every key and every slot is
    held until the commit: nobody says and no relay sends anything meanwhile. Consumers drop what
    they know.
    """
    await _lock(connection, SLOT_LOCK_SPACE, range(SLOTS))
    await _lock(connection, KEY_LOCK_SPACE, range(KEY_LOCKS))
    offered = await connection.execute(_OFFER_AGAIN, {"since": since, "at": now})
    return int(offered.scalar_one())


async def replay(connection: AsyncConnection, event_id: UUID) -> bool:
    """Have a parked row sent again. False when it is not parked."""
    return (await connection.execute(_REPLAY, {"event_id": event_id})).rowcount == 1


async def discard(connection: AsyncConnection, event_id: UUID) -> bool:
    """Give a parked row up; later ones of its key follow. False when it is not parked."""
    return (await connection.execute(_DISCARD, {"event_id": event_id})).rowcount == 1


def _hash(key: str) -> int:
    return crc32(key.encode())


async def _lock(connection: AsyncConnection, space: int, locks: Collection[int]) -> None:
    await connection.execute(_LOCK, {"space": space, "locks": sorted(locks)})
