"""Lists, a page at a time, by cursor: a row that appears meanwhile shifts nothing.

A cursor is the place in the order where the last page ended: ids, times and numbers, never a
patient's field. It is opaque to callers, and one that is not ours is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_

from shared import audit
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging.transaction import Transaction
from shared.refusals import API_DOCUMENT

MAX_ITEMS = 200

T = TypeVar("T", bound=BaseModel)


class Page(BaseModel, Generic[T]):
    """Some items of a list, and where to go on; no cursor means that this was the last page."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of a list is asked for, from where on, and of which locations it may show."""

    limit: int
    cursor: str | None
    locations: frozenset[UUID] | None = None


def _paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Paging:
    reader: Actor = request.state.actor
    return Paging(limit, cursor, reader.locations)


AskedPage = Annotated[Paging, Depends(_paging)]
"""For a route's signature: the `limit` and `cursor` of its query. Needs an `allow(...)`."""


def within(rows: Select[Any], locations: frozenset[UUID] | None) -> Select[Any]:
    """What of these rows is at these locations, or at any; rows without a `location_id` all are."""
    place = rows.selected_columns.get("location_id")
    return rows if locations is None or place is None else rows.where(place.in_(locations))


async def page(
    tx: Transaction,
    rows: Select[Any],
    *,
    by: Sequence[ColumnElement[Any]],
    asked: Paging,
    item: Callable[[Row[Any]], T],
    newest_first: bool = False,
    shown_to: Actor | None = None,
    as_entity: str = "",
) -> Page[T] | Refused:
    """One page of `rows`, in the order of the columns `by`: none nullable, the last one unique.

    To somebody who works at some locations only it shows theirs, where rows have a `location_id`.
    With `shown_to`, each patient whose `patient_id` an item has is in the audit log.
    """
    statement = within(rows, asked.locations).add_columns(
        *(column.label(f"by_{n}") for n, column in enumerate(by))
    )
    if asked.cursor is not None:
        place = _place(asked.cursor, by)
        if place is None:
            return Refused.because(
                "cursor_unknown",
                "Take the cursor from next_cursor of the page before, or leave it out.",
                field="cursor",
                source=API_DOCUMENT,
                status=422,
            )
        here = tuple_(*by)
        there = tuple_(*(literal(v, column.type) for v, column in zip(place, by, strict=True)))
        statement = statement.where(here < there if newest_first else here > there)
    order = [column.desc() if newest_first else column.asc() for column in by]
    found = (await tx.execute(statement.order_by(*order).limit(asked.limit + 1))).all()
    shown = found[: asked.limit]
    more = len(found) > len(shown)
    items = [item(row) for row in shown]
    if shown_to is not None:
        patients = (each.patient_id for each in items)  # type: ignore[attr-defined]  # it says so
        audit.note_shown(tx, shown_to, as_entity, patients)
    return Page(
        items=items,
        next_cursor=_cursor(tuple(shown[-1])[-len(by) :]) if more else None,
    )


def _cursor(values: Sequence[Any]) -> str:
    # asyncpg's UUID is a subclass of the standard one, which orjson does not take
    return base64.urlsafe_b64encode(orjson.dumps(list(values), default=str)).decode().rstrip("=")


def _place(cursor: str, by: Sequence[ColumnElement[Any]]) -> list[Any] | None:
    """The values that a cursor holds, if they fit the columns."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [
            _as(column.type.python_type, value) for value, column in zip(values, by, strict=True)
        ]
    except (ValueError, TypeError, AttributeError):
        return None


def _as(kind: type, value: Any) -> Any:
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("an instant has a zone")
        return moment
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError("does not fit the column")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("does not fit the column")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("PostgreSQL keeps no such text")
    return value
