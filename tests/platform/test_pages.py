"""A list is read a page at a time, and what is added meanwhile neither hides nor repeats a row."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Text, column, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.auth import Role
from shared.http import pages
from tests.platform.conftest import bearer

DESK = bearer(Role.FRONT_DESK)
BY = (
    column("at", TIMESTAMP(timezone=True)),
    column("n", BigInteger()),
    column("name", Text()),
    column("id", PG_UUID()),
)


@pytest.fixture
async def orders(engine: AsyncEngine) -> list[str]:
    """Twenty-five orders on five chairs; their ids in the order of chair and id."""
    made = sorted((f"chair {n % 5}", UUID(int=(n * 7919) % 1000 + 1)) for n in range(25))
    async with engine.begin() as connection:
        for chair, order_id in made:
            await connection.execute(
                text("INSERT INTO orders VALUES (:id, :chair)"), {"id": order_id, "chair": chair}
            )
    return [str(order_id) for _, order_id in made]


async def read_all(client: httpx.AsyncClient, **query: str) -> list[list[str]]:
    pages_read: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/orders", params=query | cursor, headers=DESK)
        assert answer.status_code == 200, answer.text
        pages_read.append([item["order_id"] for item in answer.json()["items"]])
        if answer.json()["next_cursor"] is None:
            return pages_read
        cursor = {"cursor": answer.json()["next_cursor"]}


@pytest.mark.parametrize(("limit", "sizes"), [(10, [10, 10, 5]), (25, [25]), (24, [24, 1])])
async def test_pages_follow_each_other_without_a_gap_or_a_repeat(
    client: httpx.AsyncClient, orders: list[str], limit: int, sizes: list[int]
) -> None:
    read = await read_all(client, limit=str(limit))
    assert [len(page) for page in read] == sizes
    assert [order for page in read for order in page] == orders


async def test_the_newest_come_first_where_a_list_is_read_so(
    client: httpx.AsyncClient, orders: list[str]
) -> None:
    read = await read_all(client, limit="7", order="newest")
    assert [order for page in read for order in page] == orders[::-1]


async def test_a_row_added_between_two_pages_shifts_nothing(
    client: httpx.AsyncClient, orders: list[str], engine: AsyncEngine
) -> None:
    first = (await client.get("/orders?limit=10", headers=DESK)).json()
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO orders VALUES (:id, 'a chair before all others')"),
            {"id": UUID(int=9999)},
        )
    second = await client.get(
        "/orders", params={"limit": 50, "cursor": first["next_cursor"]}, headers=DESK
    )
    seen = [item["order_id"] for item in first["items"] + second.json()["items"]]
    assert seen == orders


async def test_an_empty_list_is_one_empty_page(client: httpx.AsyncClient) -> None:
    assert await read_all(client) == [[]]


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "bnVsbA", "eyJhIjoxfQ", "WzEsMl0", "WyJhIiwgIm5vIGlkIl0", "é", "\0"]
)
async def test_a_cursor_that_is_not_ours_is_refused_with_what_to_do(
    client: httpx.AsyncClient, orders: list[str], cursor: str
) -> None:
    answer = await client.get("/orders", params={"cursor": cursor}, headers=DESK)
    assert answer.status_code == 422
    [violation] = answer.json()["violations"]
    assert (violation["field"], violation["rule"]) == ("cursor", "cursor_unknown")
    assert violation["source"]


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_page_has_a_size_within_limits(client: httpx.AsyncClient, limit: str) -> None:
    answer = await client.get("/orders", params={"limit": limit}, headers=DESK)
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"] == "limit"


@given(
    at=st.datetimes(timezones=st.just(UTC)),
    n=st.integers(-(2**63), 2**63 - 1),
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    row=st.uuids(),
)
def test_a_cursor_brings_back_the_very_place(at: datetime, n: int, name: str, row: UUID) -> None:
    assert pages._place(pages._cursor([at, n, name, row]), BY) == [at, n, name, row]


@given(st.one_of(st.text(), st.binary().map(lambda b: base64.urlsafe_b64encode(b).decode())))
def test_no_text_makes_a_cursor_fail_otherwise_than_by_being_unknown(cursor: str) -> None:
    assert pages._place(cursor, BY) is None


def test_an_instant_in_another_zone_is_the_same_place() -> None:
    there = datetime(2026, 11, 2, 9, 0, tzinfo=timezone(timedelta(hours=-5)))
    place = pages._place(pages._cursor([there]), BY[:1])
    assert place == [datetime(2026, 11, 2, 14, 0, tzinfo=UTC)]
