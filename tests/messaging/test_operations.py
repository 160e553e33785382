"""What a person ends is in the audit log with the reason, in the transaction that ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import Poison
from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, Work
from shared.messaging.runtime import Runtime
from tests.messaging.conftest import scalar
from tests.messaging.desk import operator
from tests.messaging.records import START, record_of, registered, send
from tests.support.eventually import eventually
from tests.support.topics import Topics

WHY = "the clinic called her"
ENTITIES = {"event": "parked_event", "work": "parked_work", "outbox": "parked_outbox_row"}


class Remind(Work):
    pass


class Clinic:
    """Decides nothing until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.on = on = Handlers("listener")

        @on.event(PatientRegistered)
        async def note(event: PatientRegistered, tx: Transaction) -> None:
            self._decide()

        @on.due(Remind)
        async def remind(work: Remind, tx: Transaction) -> None:
            self._decide()

    def _decide(self) -> None:
        if not self.mended:
            raise Poison("not_yet")


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
async def service(
    run_service: Callable[..., Awaitable[Runtime]], clinic: Clinic, topics: Topics
) -> Runtime:
    """A service with one parked event, one piece of parked work and one parked outbox row."""
    await send(topics, [record_of(registered())])
    service = await run_service(clinic.on)
    async with service.work.transaction() as tx:
        tx.do(Remind(), key="visit-1")
        await tx.execute(
            text(
                "INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at,"
                " parked_at, parked_code) VALUES (:id, :topic, 'k', 0,"
                """ '{"ce_type": "listener.Said"}', '', :now, :now, 'too_large')"""
            ),
            {"id": new_id(), "topic": topics.name("scheduling"), "now": tx.now},
        )

    async def all_parked() -> None:
        async with operator(service) as ops:
            assert len(await listed(ops)) == len(ENTITIES)

    await eventually(all_parked)
    return service


async def listed(ops: httpx.AsyncClient) -> dict[str, UUID]:
    items = (await ops.get("/operations/parked")).json()["items"]
    return {item["what"]: item["parked_id"] for item in items}


async def audited(engine: AsyncEngine) -> list[Any]:
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT action, entity, entity_id, purpose, outcome FROM audit_log"
                " WHERE action <> 'read' ORDER BY seq"
            )
        )
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize("what", ENTITIES)
async def test_whatever_a_person_ends_stands_in_the_audit_log_with_its_id_and_the_reason(
    service: Runtime, engine: AsyncEngine, clinic: Clinic, what: str, verb: str
) -> None:
    clinic.mended = True
    async with operator(service) as ops:
        parked_id = (await listed(ops))[what]
        path = f"/operations/parked/{parked_id}/{verb}"
        done = await ops.post(path, json={"why": WHY})
        assert (done.status_code, done.json()["followed"]) == (200, 0)
        assert what not in await listed(ops)
        again = await ops.post(path, json={"why": WHY})
        assert again.status_code == (409 if what == "event" else 404)
    first, *_ = await audited(engine)
    assert first == (verb, ENTITIES[what], parked_id, WHY, "ok")


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize("what", ENTITIES)
async def test_nothing_is_ended_that_cannot_be_written_in_the_audit_log(
    service: Runtime, engine: AsyncEngine, clinic: Clinic, what: str, verb: str
) -> None:
    clinic.mended = True
    async with operator(service) as ops:
        before = await listed(ops)
        async with engine.begin() as connection:
            await connection.execute(
                text("ALTER TABLE audit_log ADD CHECK (action = 'read') NOT VALID")
            )
        answer = await ops.post(f"/operations/parked/{before[what]}/{verb}", json={"why": WHY})
        assert answer.status_code == 500
        assert await listed(ops) == before


async def test_a_replay_that_fails_again_stands_in_the_audit_log_too(
    service: Runtime, engine: AsyncEngine
) -> None:
    async with operator(service) as ops:
        parked_id = (await listed(ops))["event"]
        path = f"/operations/parked/{parked_id}/replay"
        assert (await ops.post(path, json={"why": WHY})).status_code == 409
    assert await audited(engine) == [("replay", "parked_event", parked_id, WHY, "not_yet")]


async def test_parked_work_that_newer_work_replaces_is_not_replayed_beside_it(
    service: Runtime, engine: AsyncEngine
) -> None:
    async with service.work.transaction() as tx:
        tx.do(Remind(), key="visit-1", due=START + timedelta(hours=1))
    async with operator(service) as ops:
        parked_id = (await listed(ops))["work"]
        path = f"/operations/parked/{parked_id}"
        refused = await ops.post(f"{path}/replay", json={"why": WHY})
        assert refused.status_code == 409
        assert "Newer work of the same key waits" in refused.json()["detail"]
        assert (await ops.post(f"{path}/discard", json={"why": WHY})).status_code == 200
    assert await scalar(engine, "SELECT state FROM due_work") == "waiting"
    assert [(row[0], row[4]) for row in await audited(engine)] == [
        ("replay", "replaced_by_newer"),
        ("discard", "ok"),
    ]


@pytest.mark.parametrize(
    "since", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-02T14:00:00"]
)
async def test_a_moment_outside_the_calendar_is_not_understood(
    service: Runtime, since: str
) -> None:
    async with operator(service) as ops:
        answer = await ops.post("/operations/outbox/replay", json={"since": since})
        assert answer.status_code == 422
        assert answer.json()["violations"][0]["field"] == "since"


async def test_offering_again_stands_in_the_audit_log_with_its_count(
    service: Runtime, engine: AsyncEngine
) -> None:
    async with operator(service) as ops:
        answer = await ops.post("/operations/outbox/replay", json={"since": START.isoformat()})
        assert answer.json() == {"events": 0}
    assert await scalar(engine, "SELECT details FROM audit_log WHERE action = 'offer_again'") == {
        "events": 0
    }
