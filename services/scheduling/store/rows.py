"""Rows as the tables' own shapes, and what is sealed in them."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlmodel import SQLModel

from shared.messaging import Transaction

T = TypeVar("T", bound=SQLModel)


async def every(tx: Transaction, rows: Select[Any], table: type[T]) -> list[T]:
    return [table(**row) for row in (await tx.execute(rows)).mappings()]


async def one(tx: Transaction, rows: Select[Any], table: type[T]) -> T | None:
    row = (await tx.execute(rows)).mappings().one_or_none()
    return None if row is None else table(**row)


def seal(tx: Transaction, value: dict[str, Any], table: str, column: str, row: UUID) -> bytes:
    return tx.vault.seal(value, table=table, column=column, row=row)


def unseal(tx: Transaction, sealed: bytes, table: str, column: str, row: UUID) -> dict[str, Any]:
    return tx.vault.open(bytes(sealed), table=table, column=column, row=row)
