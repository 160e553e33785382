"""Rows as the tables' own shapes, and what is sealed in them."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import RowMapping, Select, inspect
from sqlmodel import SQLModel

from shared.messaging import Transaction

T = TypeVar("T", bound=SQLModel)


async def every(tx: Transaction, rows: Select[Any], table: type[T]) -> list[T]:
    return [shaped(row, table) for row in (await tx.execute(rows)).mappings()]


async def one(tx: Transaction, rows: Select[Any], table: type[T]) -> T | None:
    row = (await tx.execute(rows)).mappings().one_or_none()
    return None if row is None else shaped(row, table)


def shaped(row: RowMapping, table: type[T]) -> T:
    """A row with all of a table's columns, made as the ORM makes one that it loads.

    The table's own `__init__` sets field by field, which takes fifty times as long.
    """
    made: T = inspect(table).class_manager.new_instance()
    vars(made).update(row)
    return made


def seal(tx: Transaction, value: dict[str, Any], table: str, column: str, row: UUID) -> bytes:
    return tx.vault.seal(value, table=table, column=column, row=row)


def unseal(tx: Transaction, sealed: bytes, table: str, column: str, row: UUID) -> dict[str, Any]:
    return tx.vault.open(bytes(sealed), table=table, column=column, row=row)
