"""Parked events: records that a person must look at, and those that wait behind them.

A record is parked when it can never work as it stands, or when it failed too often. Later records
of the same key are held, so that one patient's facts are never acted on out of order. A person
replays or discards the parked one, with a reason; the held ones then follow in their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ids import new_id
from shared.messaging.kept import Kept
from shared.messaging.tables import ParkedEvent

_table: Any = ParkedEvent.__table__  # type: ignore[attr-defined]  # every table=True model has one

_KEEPS = text(
    """
    SELECT EXISTS (SELECT FROM parked_events
                    WHERE consumer = :consumer AND state IN ('parked', 'held')
                      AND key_digest IS NOT NULL) AS keys,
           EXISTS (SELECT FROM parked_events
                    WHERE consumer = :consumer AND state = 'discarded') AS discarded
    """
)

_HELD_KEYS = text(
    "SELECT DISTINCT key_digest FROM parked_events"
    " WHERE consumer = :consumer AND key_digest = ANY(:digests) AND state IN ('parked', 'held')"
).bindparams(bindparam("digests", type_=ARRAY(TEXT)))

_DISCARDED = text(
    "SELECT fingerprint FROM parked_events WHERE consumer = :consumer"
    " AND fingerprint = ANY(:fingerprints) AND state = 'discarded'"
).bindparams(bindparam("fingerprints", type_=ARRAY(TEXT)))

_RELEASED = text(
    """
    SELECT seq FROM (
        SELECT DISTINCT ON (key_digest) seq, rests_until FROM parked_events AS h
         WHERE consumer = :consumer AND state = 'held'
           AND NOT EXISTS (SELECT 1 FROM parked_events AS p
                            WHERE p.consumer = h.consumer AND p.key_digest = h.key_digest
                              AND p.state = 'parked' AND p.seq < h.seq)
         ORDER BY key_digest, seq
    ) AS first
     WHERE rests_until IS NULL OR rests_until <= clock_timestamp()
     ORDER BY seq LIMIT 100
    """
)

_EARLIER = text(
    """
    SELECT parked_id FROM parked_events
     WHERE consumer = :consumer AND key_digest = :digest AND seq < :seq
       AND state IN ('parked', 'held')
     ORDER BY seq LIMIT 1
    """
)


def digest_of(key: str) -> str:
    """What keys are compared by: a stranger's key may be larger than an index takes."""
    return hashlib.sha256(key.encode()).hexdigest()


class Keeps(NamedTuple):
    """What a consumer keeps at all; mostly nothing, and then no record need be looked up."""

    keys: bool
    discarded: bool


async def keeps(connection: AsyncConnection, consumer: str) -> Keeps:
    """Whether the consumer has open events with keys, and any that a person discarded."""
    row = (await connection.execute(_KEEPS, {"consumer": consumer})).one()
    return Keeps(row.keys, row.discarded)


async def held_keys(connection: AsyncConnection, consumer: str, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that have an open parked event."""
    by_digest = {digest_of(key): key for key in keys}
    found = await connection.execute(_HELD_KEYS, {"consumer": consumer, "digests": list(by_digest)})
    return {by_digest[digest] for digest in found.scalars()}


async def park(
    connection: AsyncConnection,
    consumer: str,
    record: Kept,
    *,
    state: str,
    reason: str,
    attempts: int,
    now: datetime,
) -> bool:
    """Keep a record. False when it is kept already, or a person discarded it before."""
    if await discarded(connection, consumer, [record.fingerprint]):
        return False
    added = await connection.execute(
        insert(ParkedEvent)
        .values(
            parked_id=new_id(),
            consumer=consumer,
            fingerprint=record.fingerprint,
            topic=record.topic,
            partition_no=record.partition,
            offset_no=record.offset,
            key=record.key,
            key_digest=None if record.key is None else digest_of(record.key),
            type_name=record.type_name[:200],
            headers=record.headers,
            value=record.value,
            state=state,
            reason=reason,
            attempts=attempts,
            parked_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["consumer", "fingerprint"],
            index_where=text("state IN ('parked', 'held')"),
        )
        .returning(_table.c.seq)
    )
    return added.scalar() is not None


async def seq_of(connection: AsyncConnection, consumer: str, parked_id: UUID) -> int | None:
    """The number of a kept record, open or resolved."""
    found = await connection.execute(
        select(_table.c.seq).where(_table.c.consumer == consumer, _table.c.parked_id == parked_id)
    )
    return found.scalar()


async def take(connection: AsyncConnection, seq: int) -> Kept | None:
    """Lock an open record for replay; `None` when someone else has resolved it meanwhile."""
    row = (
        await connection.execute(
            select(_table)
            .where(_table.c.seq == seq, _table.c.state.in_(("parked", "held")))
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        return None
    return Kept(
        topic=row.topic,
        partition=row.partition_no,
        offset=row.offset_no,
        key=row.key,
        headers=row.headers,
        value=row.value,
        fingerprint=row.fingerprint,
    )


async def resolve(
    connection: AsyncConnection, seq: int, *, state: str, by: str, why: str, now: datetime
) -> bool:
    """Close an open record as `replayed` or `discarded`. False when it is closed already."""
    done = await connection.execute(
        update(_table)
        .where(_table.c.seq == seq, _table.c.state.in_(("parked", "held")))
        .values(state=state, resolved_at=now, resolved_by=by, resolution=why)
    )
    return done.rowcount == 1


async def discarded(
    connection: AsyncConnection, consumer: str, fingerprints: Sequence[str]
) -> set[str]:
    """Those of the records that a person gave up for good.

    It is the record that is given up and not its event's id, which a broken copy carries too.
    """
    found = await connection.execute(
        _DISCARDED, {"consumer": consumer, "fingerprints": fingerprints}
    )
    return set(found.scalars())


async def earlier(
    connection: AsyncConnection, consumer: str, seq: int, *, key: str | None
) -> UUID | None:
    """The first open record of the same key that came before this one."""
    if key is None:
        return None
    found = await connection.execute(
        _EARLIER, {"consumer": consumer, "digest": digest_of(key), "seq": seq}
    )
    return found.scalar()


async def repark(
    connection: AsyncConnection, seq: int, *, reason: str, holds_up_to: int = 0
) -> None:
    """A replay failed: the record is parked, with the newest reason.

    A held one stays held for its first `holds_up_to` failures, so that it is tried again, each
    time after twice the rest.
    """
    rest_s = func.least(60, func.power(2, _table.c.attempts))
    state = case(
        ((_table.c.state == "held") & (_table.c.attempts < holds_up_to), "held"), else_="parked"
    )
    await connection.execute(
        update(_table)
        .where(_table.c.seq == seq, _table.c.state.in_(("parked", "held")))
        .values(
            state=state,
            reason=reason,
            attempts=_table.c.attempts + 1,
            rests_until=func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, rest_s),
        )
    )


async def released(connection: AsyncConnection, consumer: str) -> list[int]:
    """Held records with no parked one left before them: the first of each key, if rested."""
    return list((await connection.execute(_RELEASED, {"consumer": consumer})).scalars())
