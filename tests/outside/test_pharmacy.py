"""A partner pharmacy that does exactly what it is told, and what it is told twice it does twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.clock import real_now
from tests.outside.conftest import Ear, Steps
from tests.outside.orders import order, signature
from tests.outside.seals import opened
from tests.support.outside_world import PHARMACY_KEY, PHARMACY_WEBHOOK_SECRET, OutsideWorld

KEY = {"x-api-key": PHARMACY_KEY}


async def _post(http: httpx.AsyncClient, world: OutsideWorld, **changes: Any) -> httpx.Response:
    return await http.post(f"{world.pharmacy_url}/v1/orders", json=order(**changes), headers=KEY)


async def test_the_same_reference_twice_is_two_bottles(
    http: httpx.AsyncClient, world: OutsideWorld
):
    first, second = await _post(http, world), await _post(http, world)

    assert (first.status_code, second.status_code) == (201, 201)
    found = await http.get(
        f"{world.pharmacy_url}/v1/orders", params={"reference": "rx-1"}, headers=KEY
    )
    ids = [item["order_id"] for item in found.json()["orders"]]
    assert ids == [first.json()["order_id"], second.json()["order_id"]]
    assert len(world.state()["pharmacy"]["orders"]) == 2


async def test_a_lost_answer_leaves_an_order_that_is_found_by_reference(
    http: httpx.AsyncClient, world: OutsideWorld
):
    world.fault("pharmacy", "status_before", "POST /v1/orders", times=3)
    world.fault("pharmacy", "lost_answer", "POST /v1/orders")
    assert [(await _post(http, world)).status_code for _ in range(3)] == [503] * 3
    with pytest.raises(httpx.RemoteProtocolError):
        await _post(http, world)

    found = await http.get(
        f"{world.pharmacy_url}/v1/orders", params={"reference": "rx-1"}, headers=KEY
    )

    assert [item["status"] for item in found.json()["orders"]] == ["received"]


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"signature": None}, "", "must be signed"),
        ({"sig": "x" * 1001}, "sig", "1000"),
        ({"drug": "x" * 255}, "drug", "254"),
        ({"drug": " "}, "drug", "pattern"),
        ({"refills": 6}, "", "at most 5 refills"),
        ({"quantity": "5 mL"}, "quantity", "pattern"),
        ({"quantity": "\u0665"}, "quantity", "pattern"),
        ({"signature": signature(sha256="abc")}, "signature.sha256", "pattern"),
        ({"signature": signature(signer_dea_number="XY1234563")}, "", "signer is not"),
        (
            {"signature": signature(factors=["knowledge", "knowledge"])},
            "signature.factors",
            "two different",
        ),
        ({"signature": signature(signed_at="2026-11-23T14:00:00")}, "signature.signed_at", "zone"),
        ({"prescriber": order()["prescriber"] | {"npi": "1234567890"}}, "prescriber.npi", "NPI"),
        (
            {"prescriber": order()["prescriber"] | {"dea_number": "AB1234564"}},
            "prescriber.dea_number",
            "DEA",
        ),
        ({"diagnosis": "none of theirs"}, "diagnosis", "not permitted"),
    ],
)
async def test_what_no_pharmacist_may_fill_is_refused_with_its_reason(
    http: httpx.AsyncClient,
    world: OutsideWorld,
    changes: dict[str, Any],
    field: str,
    reason: str,
):
    refused = await _post(http, world, **changes)

    assert refused.status_code == 422
    violations = refused.json()["violations"]
    assert [v["field"] for v in violations] == [field]
    assert reason in violations[0]["reason"]
    assert "Canary" not in refused.text
    assert world.state()["pharmacy"]["orders"] == []


async def test_an_uncontrolled_drug_needs_no_signature(
    http: httpx.AsyncClient, world: OutsideWorld
):
    taken = await _post(http, world, schedule="none", signature=None, drug="Oxytocin nasal spray")
    assert taken.status_code == 201


async def test_a_stranger_without_the_key_neither_orders_nor_reads(
    http: httpx.AsyncClient, world: OutsideWorld
):
    address = f"{world.pharmacy_url}/v1/orders"
    assert (await http.post(address, json=order())).status_code == 401
    wrong = {"x-api-key": "wrong"}
    answer = await http.get(address, params={"reference": "rx-1"}, headers=wrong)
    assert answer.status_code == 401


async def test_an_order_is_accepted_compounded_shipped_and_delivered_in_practice_time(
    http: httpx.AsyncClient, world: OutsideWorld, steps: Steps, ear: Ear
):
    world.notify(pharmacy=ear.url)
    began = steps.now()
    order_id = (await _post(http, world)).json()["order_id"]
    await world.until_rest()

    moments = []
    while (due := world.rest()["next_due_at"]) is not None:
        at = datetime.fromisoformat(due)
        moments.append(at - began)
        await steps.by(at - steps.now())

    assert moments == [
        timedelta(minutes=20),
        timedelta(hours=4, minutes=20),
        timedelta(days=1, hours=4, minutes=20),
        timedelta(days=4, hours=4, minutes=20),
    ]
    told = [opened(h, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)[0] for h in ear.heard]
    assert [event["type"].removeprefix("pharmacy.order.") for event in told] == [
        "received",
        "accepted",
        "compounding",
        "shipped",
        "delivered",
    ]
    assert {event["subject"] for event in told} == {order_id}
    assert {event["data"]["reference"] for event in told} == {"rx-1"}
    assert told[3]["data"]["tracking"]["number"].startswith("SP")
    assert datetime.fromisoformat(told[4]["time"]) - began == moments[3]
    shown = await http.get(f"{world.pharmacy_url}/v1/orders/{order_id}", headers=KEY)
    assert shown.json()["status"] == "delivered"


async def test_a_leap_over_a_week_makes_every_step_happen_in_order(
    http: httpx.AsyncClient, world: OutsideWorld, steps: Steps, ear: Ear
):
    world.notify(pharmacy=ear.url)
    await _post(http, world)
    await steps.by(timedelta(days=7))

    told = [opened(h, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)[0] for h in ear.heard]

    assert [event["data"]["status"] for event in told][-2:] == ["shipped", "delivered"]
    times = [event["time"] for event in told]
    assert times == sorted(times)
    assert len(set(times)) == 5


async def test_the_notice_is_a_structured_cloudevent_sealed_with_real_time(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(pharmacy=ear.url)
    await _post(http, world)
    await world.until_rest()

    (heard,) = ear.heard
    event, sealed_at = opened(heard, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)

    assert heard.headers["content-type"] == "application/cloudevents+json"
    assert event["specversion"] == "1.0"
    assert {"id", "source", "type", "subject", "time", "data"} <= event.keys()
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert abs(sealed_at - real_now().timestamp()) < 5


async def test_an_order_is_cancelled_until_it_is_shipped(
    http: httpx.AsyncClient, world: OutsideWorld, steps: Steps
):
    early = (await _post(http, world)).json()["order_id"]
    late = (await _post(http, world, reference="rx-2")).json()["order_id"]

    async def cancel(order_id: str) -> tuple[int, str]:
        answer = await http.post(
            f"{world.pharmacy_url}/v1/orders/{order_id}/cancel",
            json={"reason": "series stopped"},
            headers=KEY,
        )
        return answer.status_code, answer.json()["cancellation"]

    assert await cancel(early) == (200, "accepted")
    await steps.by(timedelta(days=2))
    assert await cancel(late) == (409, "denied")
    assert await cancel(early) == (409, "denied")

    statuses = {o["reference"]: o["status"] for o in world.state()["pharmacy"]["orders"]}
    assert statuses == {"rx-1": "cancelled", "rx-2": "shipped"}


async def test_a_pharmacist_rejects_an_order_with_a_reason_and_it_goes_no_further(
    http: httpx.AsyncClient, world: OutsideWorld, steps: Steps, ear: Ear
):
    order_id = (await _post(http, world)).json()["order_id"]
    world.notify(pharmacy=ear.url)

    world.pharmacist(order_id, "rejected", "out of stock")
    await steps.by(timedelta(days=7))

    (heard,) = ear.heard
    event, _ = opened(heard, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)
    assert (event["data"]["status"], event["data"]["reason"]) == ("rejected", "out of stock")


async def test_the_truth_says_whether_the_vendor_knows_the_signature(
    http: httpx.AsyncClient, world: OutsideWorld
):
    await _post(http, world)
    (held,) = world.state()["pharmacy"]["orders"]
    assert held["signature_known_to_vendor"] is False


async def test_nothing_more_is_to_come_for_an_order_that_is_over(
    http: httpx.AsyncClient, world: OutsideWorld
):
    order_id = (await _post(http, world)).json()["order_id"]
    assert world.rest()["next_due_at"] is not None

    world.pharmacist(order_id, "rejected", "out of stock")

    assert world.rest()["next_due_at"] is None
