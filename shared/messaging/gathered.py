"""What the deciders of one transaction have asked for, written with many rows per statement.

Inserts are written when a statement needs to see them, the rest at the end. There the keys of all
events are locked before their outbox rows are written. The audit log's entry comes last, since
everybody waits for the log's one lock; nothing but the commit follows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, select, types
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import duework, outbox
from shared.messaging.duework import Wish
from shared.messaging.outbox import Said
from shared.vault import Vault

Shape = tuple[Table, tuple[str, ...]]
_Insert = Callable[[AsyncConnection, Sequence[Mapping[str, Any]]], Awaitable[None]]

_INSERTS: dict[Shape, _Insert] = {}


class Gathered:
    """What is asked for and not written yet."""

    def __init__(
        self, connection: AsyncConnection, now: datetime, vault: Vault | None = None
    ) -> None:
        self.connection = connection
        self.now = now
        self.vault = vault
        self.rows: dict[Shape, list[dict[str, Any]]] = {}
        self.events: list[Said] = []
        self.work: list[Wish] = []
        self.last: list[Callable[[AsyncConnection], Awaitable[None]]] = []

    async def write_rows(self) -> None:
        """Write the gathered inserts, in the order in which each table was first named."""
        while self.rows:
            rows, self.rows = self.rows, {}
            for shape, values in rows.items():
                await _insert_into(shape)(self.connection, values)

    async def finish(self, topic_prefix: str) -> None:
        """Write everything that is left. Nothing but the commit may follow."""
        await self.write_rows()
        if self.work:
            await duework.write(self.connection, self.work)
        if self.events:
            await outbox.lock_keys(self.connection, self.events)
            await outbox.write(
                self.connection, self.events, topic_prefix=topic_prefix, now=self.now
            )
        for write in self.last:
            await write(self.connection)


def _insert_into(shape: Shape) -> _Insert:
    found = _INSERTS.get(shape)
    if found is None:
        table, names = shape
        lists = any(isinstance(table.c[name].type, types.ARRAY) for name in names)
        filled_in = any(column.default is not None for column in table.c)
        found = _INSERTS[shape] = _row_by_row(table) if lists or filled_in else _at_once(shape)
    return found


def _at_once(shape: Shape) -> _Insert:
    """One statement for all rows, with an array per column: a fraction of the server's work."""
    table, names = shape
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    statement = insert(table).from_select(names, select(*(rows.c[name] for name in names)))

    async def write(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> None:
        await connection.execute(statement, {name: [row[name] for row in values] for name in names})

    return write


def _row_by_row(table: Table) -> _Insert:
    """For what no array of columns can say: a column of lists, a value that Python fills in."""
    statement = insert(table)

    async def write(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> None:
        await connection.execute(statement, values)

    return write
