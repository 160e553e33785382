"""What waits for a person: parked events, those held behind them, parked work, parked outbox rows.

One list of all of them, in the order in which they were parked. What a record said is never shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import BigInteger, Row, Subquery, Text, column, func, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging.transaction import Transaction

_ITEMS = """
    SELECT parked_id, seq AS place, 'event' AS what, state, reason, type_name, attempts, parked_at,
           topic, partition_no AS partition, offset_no AS "offset", key,
           headers->>'ce_id' AS event_id, coalesce(octet_length(value), 0) AS value_bytes,
           resolved_by, resolution
      FROM parked_events WHERE consumer = :consumer
     UNION ALL
    SELECT work_id, 0, 'work', state, coalesce(error_code, '?'), kind, attempts, parked_at,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM due_work WHERE state = 'parked'
     UNION ALL
    SELECT event_id, seq, 'outbox', 'parked', coalesce(parked_code, '?'), headers->>'ce_type', 0,
           parked_at, topic, NULL, NULL, key, CAST(event_id AS text), octet_length(payload),
           NULL, NULL
      FROM outbox WHERE parked_at IS NOT NULL
"""


class ParkedItem(BaseModel):
    """A parked event, parked work or a parked outbox row. Never holds what the record said."""

    parked_id: UUID
    what: str
    state: str
    reason: str
    type_name: str
    attempts: int
    parked_at: datetime
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    key: str | None = None
    event_id: str | None = None
    value_bytes: int | None = None
    resolved_by: str | None = None
    resolution: str | None = None


async def listed(consumer: str, asked: Paging, tx: Transaction) -> Page[ParkedItem] | Refused:
    """A page of what is open, in the order in which it was parked."""
    items = _items(consumer)
    return await page(
        tx,
        select(items).where(items.c.state.in_(("parked", "held"))),
        by=(items.c.parked_at, items.c.place, items.c.parked_id),
        asked=asked,
        item=_item,
    )


async def shown(consumer: str, parked_id: UUID, tx: Transaction) -> ParkedItem | Refused:
    """One of them; an event also when it is resolved."""
    items = _items(consumer)
    row = (await tx.execute(select(items).where(items.c.parked_id == parked_id))).one_or_none()
    return Refused.not_found("parked_item") if row is None else _item(row)


async def counts(connection: AsyncConnection, consumer: str) -> dict[tuple[str, str, str], int]:
    """How many are open, by what they are, their state and reason; for metrics."""
    items = _items(consumer)
    kinds = (items.c.what, items.c.state, items.c.reason)
    rows = await connection.execute(
        select(*kinds, func.count()).where(items.c.state.in_(("parked", "held"))).group_by(*kinds)
    )
    return {(what, state, reason): count for what, state, reason, count in rows}


def _items(consumer: str) -> Subquery:
    return (
        text(_ITEMS)
        .bindparams(consumer=consumer)
        .columns(
            column("parked_id", PG_UUID),
            column("place", BigInteger),
            column("parked_at", TIMESTAMP(timezone=True)),
            *(
                column(name, BigInteger)
                for name in ("attempts", "partition", "offset", "value_bytes")
            ),
            *(
                column(name, Text)
                for name in (
                    *("what", "state", "reason", "type_name", "topic", "key", "event_id"),
                    *("resolved_by", "resolution"),
                )
            ),
        )
        .subquery("items")
    )


def _item(row: Row[Any]) -> ParkedItem:
    found = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    for name in ("key", "event_id"):
        if not _is_an_id(found[name]):
            found[name] = None
    return ParkedItem.model_validate(found)


def _is_an_id(found: str | None) -> bool:
    """Only an id of ours is shown; a key that a stranger chose may hold anything."""
    try:
        UUID(found or "")
    except ValueError:
        return False
    return True
