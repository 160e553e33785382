"""Sealed columns, and how what they hold comes under the newest of the vault's keys.

A column says by its type that the vault seals its values. Their place is the row's first primary
key column, or what the table's `info["place"]` makes of the row's primary key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, func, literal, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.vault import Vault

BATCH = 200

_RESEALS = text("SELECT set_config('practice.reseals', 'on', true)")
"""Lets a table that is append-only take the same values under another key, until the commit."""


class Sealed(LargeBinary):
    """Bytes as the vault sealed them."""


def sealed_columns(metadata: MetaData) -> Iterator[Column[Any]]:
    for table in metadata.sorted_tables:
        yield from (column for column in table.columns if isinstance(column.type, Sealed))


async def reseal(engine: AsyncEngine, metadata: Iterable[MetaData], vault: Vault) -> int:
    """Bring every sealed value under the newest key. Returns how many an older key had sealed.

    The service may run meanwhile, on the same keys. Each value is a transaction of its own, so it
    can be ended anywhere and begun again, and it holds nobody up.
    """
    columns = [column for one in metadata for column in sealed_columns(one)]
    return sum([await _reseal(engine, column, vault) for column in columns])


async def _reseal(engine: AsyncEngine, column: Column[Any], vault: Vault) -> int:
    key = list(column.table.primary_key.columns)
    newest = func.substr(column, 1, len(vault.mark)) == literal(vault.mark, LargeBinary)
    older = select(*key, column).where(column.is_not(None), ~newest).order_by(*key).limit(BATCH)
    statement, count = older, 0
    while True:
        async with engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        for *values, sealed in rows:
            count += await _reseal_one(engine, column, values, bytes(sealed), vault)
        if len(rows) < BATCH:
            return count
        last = (literal(v, c.type) for v, c in zip(rows[-1], key, strict=False))
        statement = older.where(tuple_(*key) > tuple_(*last))


async def _reseal_one(
    engine: AsyncEngine, column: Column[Any], key: Sequence[Any], sealed: bytes, vault: Vault
) -> int:
    """Nothing, where somebody has changed the value since it was read: the newest key sealed it."""
    table = column.table
    place = table.info["place"](*key) if "place" in table.info else key[0]
    under_newest = vault.reseal(sealed, table=table.name, column=column.name, row=place)
    is_it = (one == value for one, value in zip(table.primary_key.columns, key, strict=True))
    statement = update(table).where(*is_it, column == sealed).values({column.name: under_newest})
    async with engine.begin() as connection:
        await connection.execute(_RESEALS)
        return (await connection.execute(statement)).rowcount
