"""Webhooks over real HTTP: proved on the raw bytes, taken once, and never half."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.http.webhooks import Notice, webhook_route
from shared.messaging import Transaction
from shared.telemetry import Metrics
from tests.platform.conftest import CLOCK, Lines, app_of
from tests.support.serving import serving

KEY = b"made-up webhook secret"


def seal(body: bytes) -> dict[str, str]:
    return {"X-Seal": hmac.new(KEY, body, hashlib.sha256).hexdigest()}


def read(body: bytes, headers: Mapping[str, str]) -> Notice | None:
    """As a vendor's gateway verifies: over the bytes as they came."""
    if not hmac.compare_digest(headers.get("X-Seal", ""), seal(body)["X-Seal"]):
        return None
    told = json.loads(body)
    return Notice(notice_id=told["id"], kind=told["kind"], object_id=told["object"])


class Decider:
    """Leaves a row per notice; fails at all or at one, or takes its time, when told to."""

    def __init__(self) -> None:
        self.fails = False
        self.fails_at = ""
        self.pause_s = 0.0
        self.is_away = False
        self.asked = 0

    async def __call__(self, notice: Notice, tx: Transaction) -> None:
        self.asked += 1
        await tx.execute(
            text("INSERT INTO orders VALUES (gen_random_uuid(), :what)"), {"what": notice.object_id}
        )
        await asyncio.sleep(self.pause_s)
        if self.is_away:
            await tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        if self.fails or notice.object_id == self.fails_at:
            raise KeyError("Testa Canary")


@pytest.fixture
def decider() -> Decider:
    return Decider()


@pytest.fixture
async def vendor(
    engine: AsyncEngine, metrics: Metrics, decider: Decider
) -> AsyncIterator[httpx.AsyncClient]:
    """The vendor's side of the line."""
    app = app_of(webhook_route("pharmacy", read, decider), engine=engine, metrics=metrics)
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client,
    ):
        yield client


async def tell(vendor: httpx.AsyncClient, notice_id: str = "evt_1", **more: Any) -> httpx.Response:
    told = {"id": notice_id, "kind": "order.shipped", "object": "order-1"} | more
    body = b"  " + json.dumps(told, indent=3).encode() + b"\n"  # not as we would write it
    return await vendor.post("/webhooks/pharmacy", content=body, headers=seal(body))


async def decided(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT chair FROM orders ORDER BY chair"))
        return list(rows.scalars())


async def taken(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT * FROM webhooks ORDER BY notice_id"))
        return [tuple(row) for row in rows]


async def test_a_notice_is_taken_once_however_often_it_is_told(
    vendor: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    for _ in range(3):
        answer = await tell(vendor)
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await tell(vendor, "evt_2", object="order-2")).status_code == 204
    assert await decided(engine) == ["order-1", "order-2"]
    now = CLOCK.now()
    assert await taken(engine) == [
        ("pharmacy", "evt_1", "order.shipped", now),
        ("pharmacy", "evt_2", "order.shipped", now),
    ]


async def test_a_notice_told_many_times_at_once_is_taken_once(
    vendor: httpx.AsyncClient, engine: AsyncEngine, decider: Decider
) -> None:
    decider.pause_s = 0.1
    answers = await asyncio.gather(*(tell(vendor) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {204}
    assert await decided(engine) == ["order-1"]


async def test_a_notice_that_could_not_be_decided_is_not_taken_and_may_be_told_again(
    vendor: httpx.AsyncClient, engine: AsyncEngine, decider: Decider
) -> None:
    decider.fails = True
    answer = await tell(vendor)
    assert answer.status_code == 500
    assert "Canary" not in answer.text
    assert (await decided(engine), await taken(engine)) == ([], [])
    decider.fails = False
    assert (await tell(vendor)).status_code == 204
    assert await decided(engine) == ["order-1"]


async def tell_burst(vendor: httpx.AsyncClient) -> list[int]:
    """One notice, and twenty more while it is being kept. How each was answered."""
    first = asyncio.create_task(tell(vendor, "evt_first", object="order-first"))
    await asyncio.sleep(0.1)
    burst = (tell(vendor, f"evt_{n:02}", object=f"order-{n:02}") for n in range(20))
    return [answer.status_code for answer in await asyncio.gather(first, *burst)]


async def test_what_comes_while_a_notice_is_kept_is_kept_together(
    vendor: httpx.AsyncClient, engine: AsyncEngine, decider: Decider
) -> None:
    decider.pause_s = 0.3
    assert await tell_burst(vendor) == [204] * 21
    assert len(await decided(engine)) == 21
    async with engine.connect() as connection:
        transactions = await connection.scalar(
            text("SELECT count(DISTINCT xmin::text) FROM webhooks")
        )
    assert transactions < 5


async def test_a_notice_that_could_not_be_decided_costs_none_of_those_beside_it(
    vendor: httpx.AsyncClient, engine: AsyncEngine, decider: Decider
) -> None:
    decider.pause_s, decider.fails_at = 0.1, "order-07"
    answers = await tell_burst(vendor)
    assert answers.pop(8) == 500
    assert answers == [204] * 20
    assert len(await decided(engine)) == len(await taken(engine)) == 20
    assert "order-07" not in await decided(engine)


async def test_who_hangs_up_while_a_burst_is_kept_costs_nobody_else_anything(
    vendor: httpx.AsyncClient, engine: AsyncEngine, decider: Decider
) -> None:
    decider.pause_s = 0.2
    impatient = asyncio.create_task(tell(vendor, "evt_impatient", object="order-impatient"))
    await asyncio.sleep(0.1)
    impatient.cancel()
    assert await tell_burst(vendor) == [204] * 21
    assert len(await taken(engine)) == 22


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"id": "evt_1"}', {}),
        (b'{"id": "evt_1"}', {"X-Seal": "0" * 64}),
        (b'{"id": "evt_1", "forged": true}', seal(b'{"id": "evt_1"}')),
        (b"", {"X-Seal": "x"}),
    ],
    ids=["no seal", "a guess", "a changed body", "nothing"],
)
async def test_what_the_vendor_did_not_seal_is_refused_and_leaves_nothing(
    vendor: httpx.AsyncClient,
    engine: AsyncEngine,
    lines: Lines,
    body: bytes,
    headers: dict[str, str],
) -> None:
    answer = await vendor.post("/webhooks/pharmacy", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "signature" in answer.json()["detail"]
    assert "evt_1" not in answer.text
    assert (await decided(engine), await taken(engine)) == ([], [])
    assert [line["vendor"] for line in lines.all() if line["event"] == "webhook_refused"] == [
        "pharmacy"
    ]


async def test_a_body_too_large_to_be_a_notice_is_refused_unread(
    vendor: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    body = b"x" * 1_100_000
    answer = await vendor.post("/webhooks/pharmacy", content=body, headers=seal(body))
    assert answer.status_code == 413
    assert await taken(engine) == []


async def test_two_vendors_may_use_the_same_id_for_their_notices(
    vendor: httpx.AsyncClient, engine: AsyncEngine, metrics: Metrics, decider: Decider
) -> None:
    other = app_of(webhook_route("signing", read, decider), engine=engine, metrics=metrics)
    await tell(vendor)
    body = json.dumps({"id": "evt_1", "kind": "signed", "object": "session-1"}).encode()
    async with serving(other) as url, httpx.AsyncClient(trust_env=False) as signing:
        answer = await signing.post(f"{url}/webhooks/signing", content=body, headers=seal(body))
    assert answer.status_code == 204
    assert await decided(engine) == ["order-1", "session-1"]


async def test_while_the_database_is_away_everybody_is_told_at_once(
    vendor: httpx.AsyncClient, engine: AsyncEngine, decider: Decider
) -> None:
    decider.pause_s = 0.3
    decider.is_away = True
    assert await tell_burst(vendor) == [503] * 21
    assert decider.asked < 5, "nobody is tried alone where nobody can be kept"
    assert await taken(engine) == []
