"""What a stranger may write on any topic: parked with a reason, never shown, resolved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import audit
from shared.auth import Role
from shared.errors import Poison, Retry
from shared.events import Event
from shared.events.billing import CardSaved
from shared.events.notifications import Channel, MessageSent, Purpose
from shared.events.pharmacy import PrescriptionShipped
from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction
from shared.messaging.seam import Limits
from tests.messaging.conftest import scalar, tally
from tests.messaging.desk import operator
from tests.messaging.records import START, record_of, registered, send
from tests.platform.conftest import bearer
from tests.support.eventually import eventually
from tests.support.topics import Topics

CANARY = "Testa Canary"
SAYS: dict[str, Callable[[UUID], Event]] = {
    "scheduling": registered,
    "billing": lambda who: CardSaved(patient_id=who, card_id=new_id(), saved_at=START),
    "pharmacy": lambda who: PrescriptionShipped(
        patient_id=who, prescription_id=new_id(), shipped_at=START
    ),
    "notifications": lambda who: MessageSent(
        patient_id=who,
        message_id=new_id(),
        purpose=Purpose.RECEIPT,
        channel=Channel.EMAIL,
        subject_id=new_id(),
        sent_at=START,
    ),
}


def hearing_everything(decide: Any = None) -> Handlers:
    """A service that hears one event of each topic and notes whose it was."""
    on = Handlers("listener")

    async def note(event: Any, tx: Transaction) -> None:
        if decide is not None:
            decide(event)
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, :what)"),
            {"who": event.key, "what": event.type_name},
        )

    for event in (PatientRegistered, CardSaved, PrescriptionShipped, MessageSent):
        on.event(event)(note)
    return on


def hostile(say: Callable[[UUID], Event]) -> dict[str, dict[str, Any]]:
    """Records that can never be acted on, by the reason to expect."""

    def bad(**changes: Any) -> dict[str, Any]:
        return record_of(say(new_id()), **changes)

    return {
        "not_json": bad(value=f"{{ {CANARY}".encode()),
        "null_value": bad(value=None),
        "unknown_version": bad(headers={"ce_dataschema": "urn:practice:event:x:9"}),
        "bad_specversion": bad(headers={"ce_specversion": "0.3"}),
        "bad_event_id": bad(headers={"ce_id": f"{CANARY} \0 with a NUL"}),
        "bad_schema_version": bad(headers={"ce_dataschema": CANARY}),
        "bad_schema": bad(value=json.dumps({"patient_id": CANARY}).encode()),
        "key_mismatch": bad(key=b"\xff\x00" + CANARY.encode()),
        "no_type": {"key": CANARY.encode(), "value": b"x" * 900_000, "headers": [("\u00e9", None)]},
    }


def odd_but_fine(say: Callable[[UUID], Event]) -> list[dict[str, Any]]:
    """Records with more in them than we know, which the contract says to ignore."""
    odd = record_of(say(new_id()))
    odd["headers"] += [("null", None), ("bytes", b"\xff\xfe\x00"), ("ce_extra", b"kept")]
    newer = record_of(say(new_id()))
    newer["value"] = newer["value"][:-1] + b',"newer":"field"}'
    return [odd, newer]


async def parked(engine: AsyncEngine, reasons: list[str]) -> None:
    async with engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT reason FROM parked_events WHERE state = 'parked' ORDER BY reason")
        )
        assert list(rows.scalars()) == sorted(reasons)


async def noted(engine: AsyncEngine, count: int) -> None:
    assert len(await tally(engine)) == count


@pytest.mark.parametrize("topic", SAYS)
async def test_hostile_records_cost_no_neighbour_its_place_and_are_given_up_one_by_one(
    run_service: Any, engine: AsyncEngine, topics: Topics, topic: str
) -> None:
    say = SAYS[topic]
    bad = hostile(say)
    unknown_type = record_of(say(new_id()), headers={"ce_type": f"{topic}.NeverHeardOf"})
    sent = [record for one in bad.values() for record in (record_of(say(new_id())), one)]
    sent += [*odd_but_fine(say), unknown_type, record_of(say(new_id()))]
    await send(topics, sent, topic)
    service = await run_service(hearing_everything())

    await eventually(lambda: parked(engine, list(bad)))
    await eventually(lambda: noted(engine, len(bad) + 3))
    batches = service.seam.batches
    assert batches <= len(sent)
    await asyncio.sleep(0.3)
    assert service.seam.batches == batches  # nothing is delivered again and again

    async with operator(service) as ops:
        listing = await ops.get("/operations/parked")
        assert CANARY not in listing.text
        assert sorted(item["reason"] for item in listing.json()["items"]) == sorted(bad)
        for item in listing.json()["items"]:
            found = await ops.get(f"/operations/parked/{item['parked_id']}")
            assert found.json() == item
            where = f"/operations/parked/{item['parked_id']}"
            again = await ops.post(f"{where}/replay", json={"why": "is it still broken?"})
            assert again.status_code == 409
            assert item["reason"] in again.json()["detail"]
            gone = await ops.post(f"{where}/discard", json={"why": "a stranger wrote it"})
            assert gone.json() == {"discarded": True, "followed": 0}
            assert (await ops.post(f"{where}/discard", json={"why": "twice"})).status_code == 409
        assert (await ops.get("/operations/parked")).json()["items"] == []
    async with service.engine.connect() as connection:
        assert await audit.verify(connection) is None


async def test_an_event_parked_by_a_bug_is_replayed_when_it_is_mended_and_those_behind_it_follow(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    broken = {"is": True}
    ill, well = new_id(), new_id()

    def decide(event: Any) -> None:
        if broken["is"] and event.patient_id == ill and isinstance(event, PatientRegistered):
            raise KeyError(CANARY)

    service = await run_service(hearing_everything(decide), seam_limits=Limits(backoff_s=0.01))
    await send(topics, [record_of(registered(who)) for who in (ill, well)])
    await eventually(lambda: parked(engine, ["bug:KeyError"]))
    await send(topics, [record_of(SAYS["billing"](ill))], "billing")
    await eventually(lambda: _held(engine, 1))
    await noted(engine, 1)

    async with operator(service) as ops:
        [first, behind] = (await ops.get("/operations/parked")).json()["items"]
        assert (first["state"], behind["state"]) == ("parked", "held")
        assert first["key"] == str(ill)
        where = f"/operations/parked/{first['parked_id']}/replay"
        assert (await ops.post(where, json={"why": "mended?"})).status_code == 409
        assert (await ops.post(where, json={"why": ""})).status_code == 422
        broken["is"] = False
        done = await ops.post(where, json={"why": "the bug is mended"})
        assert done.json() == {"replayed": True, "followed": 1}
        shown = (await ops.get(f"/operations/parked/{first['parked_id']}")).json()
        assert (shown["state"], shown["resolution"]) == ("replayed", "the bug is mended")
    assert [who for who, _ in await tally(engine)] == [str(well), str(ill), str(ill)]


async def _held(engine: AsyncEngine, count: int) -> None:
    query = "SELECT count(*) FROM parked_events WHERE state = 'held'"
    assert await scalar(engine, query) == count


async def test_a_discarded_event_that_is_delivered_again_stays_discarded(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    ill = new_id()
    bad = record_of(registered(ill), value=b"?")
    await send(topics, [bad])
    service = await run_service(hearing_everything())
    await eventually(lambda: parked(engine, ["not_json"]))
    async with operator(service) as ops:
        [item] = (await ops.get("/operations/parked")).json()["items"]
        where = f"/operations/parked/{item['parked_id']}/discard"
        assert (await ops.post(where, json={"why": "unreadable"})).status_code == 200
    await send(topics, [bad, record_of(registered(ill))])
    await eventually(lambda: noted(engine, 1))
    await parked(engine, [])


async def test_a_held_event_that_fails_for_the_moment_waits_for_no_person(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    ill, fails = new_id(), {"with": [Poison("not_yet")] * 2}  # once with its batch, once alone

    def decide(_: Any) -> None:
        if fails["with"]:
            raise fails["with"].pop()

    await send(topics, [record_of(registered(ill))])
    service = await run_service(hearing_everything(decide))
    await eventually(lambda: parked(engine, ["not_yet"]))
    await send(topics, [record_of(registered(ill))])
    await eventually(lambda: _held(engine, 1))
    busy: list[Any] = [Retry("busy")]
    fails["with"] = busy
    async with operator(service) as ops:
        [first, _] = (await ops.get("/operations/parked")).json()["items"]
        where = f"/operations/parked/{first['parked_id']}/discard"
        assert (await ops.post(where, json={"why": "let the next one try"})).status_code == 200
    assert not busy  # the held one was tried at once, and failed
    await eventually(lambda: noted(engine, 1))
    await parked(engine, [])


async def test_only_who_looks_after_the_service_may_see_or_resolve_what_is_parked(
    run_service: Any, topics: Topics
) -> None:
    service = await run_service(hearing_everything())
    async with operator(service) as ops:
        for role in set(Role) - {Role.OPS}:
            ops.headers.update(bearer(role))
            seen = await ops.get("/operations/parked")
            assert seen.status_code == (200 if role is Role.AUDITOR else 403)
            for what in ("replay", "discard"):
                asked = await ops.post(
                    f"/operations/parked/{new_id()}/{what}", json={"why": "curious"}
                )
                assert asked.status_code == 403
        ops.headers.update(bearer(Role.OPS))
        for what in ("replay", "discard"):
            unknown = await ops.post(f"/operations/parked/{new_id()}/{what}", json={"why": "none"})
            assert unknown.status_code == 404
