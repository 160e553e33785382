"""The list of what waits for a person: however long it is, all of it can be seen and ended."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.scheduling import PatientRegistered
from shared.messaging import Handlers, Transaction, parked
from tests.messaging.conftest import scalar
from tests.messaging.desk import operator
from tests.messaging.records import START

MANY = 230

_EVENTS = """
    INSERT INTO parked_events (parked_id, consumer, fingerprint, topic, partition_no, offset_no,
                               type_name, headers, state, reason, attempts, parked_at)
    SELECT gen_random_uuid(), 'listener', n::text, 'scheduling', 0, n,
           'scheduling.PatientRegistered', '{}', 'parked', 'not_json', 1, :at
      FROM generate_series(1, :many) AS n
"""
_WORK = """
    INSERT INTO due_work (work_id, kind, payload, due_at, state, attempts, parked_at, error_code,
                          correlation_id)
    SELECT gen_random_uuid(), 'Call', '{}', now(), 'parked', 5, :at, 'refused',
           gen_random_uuid()
      FROM generate_series(1, :many)
"""
_OUTBOX = """
    INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at, parked_at,
                        parked_code)
    SELECT gen_random_uuid(), 'listener', gen_random_uuid()::text, 0,
           '{"ce_type": "listener.Said"}', '\\x00', now(), :at, 'too_large'
      FROM generate_series(1, :many)
"""


def hearing() -> Handlers:
    on = Handlers("listener")

    @on.event(PatientRegistered)
    async def note(event: PatientRegistered, tx: Transaction) -> None: ...

    return on


@pytest.fixture
async def service(run_service: Any, engine: AsyncEngine) -> Any:
    async with engine.begin() as connection:
        for statement in (_EVENTS, _WORK, _OUTBOX):
            await connection.execute(text(statement), {"at": START, "many": MANY})
    return await run_service(hearing())


async def test_a_long_list_is_read_page_by_page_and_each_item_says_since_when_it_waits(
    service: Any,
) -> None:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    async with operator(service) as ops:
        while True:
            answer = await ops.get("/operations/parked", params={"limit": "200"} | cursor)
            found += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                break
            cursor = {"cursor": answer.json()["next_cursor"]}
        assert (await ops.get("/operations/parked?cursor=mine")).status_code == 422
    assert len({item["parked_id"] for item in found}) == len(found) == 3 * MANY
    assert {item["parked_at"] for item in found} == {START.isoformat().replace("+00:00", "Z")}
    offsets = [item["offset"] for item in found if item["what"] == "event"]
    assert offsets == list(range(1, MANY + 1))


async def test_an_item_far_down_a_long_list_is_shown_and_discarded_by_its_id(
    service: Any, engine: AsyncEngine
) -> None:
    last = {
        "event": "SELECT parked_id FROM parked_events ORDER BY seq DESC LIMIT 1",
        "work": "SELECT work_id FROM due_work ORDER BY work_id DESC LIMIT 1",
        "outbox": "SELECT event_id FROM outbox ORDER BY seq DESC LIMIT 1",
    }
    async with operator(service) as ops:
        for what, query in last.items():
            where = f"/operations/parked/{await scalar(engine, query)}"
            assert (await ops.get(where)).json()["what"] == what
            gone = await ops.post(f"{where}/discard", json={"why": "a test of ours"})
            assert gone.status_code == 200
    async with engine.connect() as connection:
        assert await parked.counts(connection, "listener") == {
            ("event", "parked", "not_json"): MANY - 1,
            ("work", "parked", "refused"): MANY - 1,
            ("outbox", "parked", "too_large"): MANY - 1,
        }
