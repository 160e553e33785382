"""Each fault does what its name says, as often as it was ordered, and then no more."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from time import perf_counter

import httpx
import pytest

from shared.clock import real_now
from tests.outside.conftest import Ear, Steps
from tests.outside.orders import order
from tests.outside.seals import opened
from tests.support.outside_world import PHARMACY_KEY, PHARMACY_WEBHOOK_SECRET, OutsideWorld

ORDERS = "/v1/orders"
POST_ORDER = f"POST {ORDERS}"


async def _post(
    http: httpx.AsyncClient, world: OutsideWorld, reference: str = "rx-1", patience_s: float = 5
) -> httpx.Response:
    return await http.post(
        f"{world.pharmacy_url}{ORDERS}",
        json=order(reference=reference),
        headers={"x-api-key": PHARMACY_KEY},
        timeout=patience_s,
    )


def _held(world: OutsideWorld) -> int:
    return len(world.state()["pharmacy"]["orders"])


def _statuses(ear: Ear) -> list[str]:
    return [json.loads(heard.body)["data"]["status"] for heard in ear.heard]


async def test_a_status_before_the_work_does_nothing(http: httpx.AsyncClient, world: OutsideWorld):
    world.fault("pharmacy", "status_before", POST_ORDER, status=502)
    assert (await _post(http, world)).status_code == 502
    assert _held(world) == 0


async def test_a_status_after_the_work_hides_that_it_is_done(
    http: httpx.AsyncClient, world: OutsideWorld
):
    world.fault("pharmacy", "status_after", POST_ORDER)
    assert (await _post(http, world)).status_code == 500
    assert _held(world) == 1


async def test_a_lost_answer_cuts_the_connection_after_the_work(
    http: httpx.AsyncClient, world: OutsideWorld
):
    world.fault("pharmacy", "lost_answer", POST_ORDER)
    with pytest.raises(httpx.RemoteProtocolError):
        await _post(http, world)
    assert _held(world) == 1


@pytest.mark.parametrize(("works", "held"), [(True, 1), (False, 0)])
async def test_a_hang_outlasts_the_callers_patience(
    http: httpx.AsyncClient, world: OutsideWorld, *, works: bool, held: int
):
    world.fault("pharmacy", "hang", POST_ORDER, seconds=30, works=works)
    with pytest.raises(httpx.ReadTimeout):
        await _post(http, world, patience_s=0.3)
    assert _held(world) == held


async def test_a_hang_ends_with_a_cut_connection(http: httpx.AsyncClient, world: OutsideWorld):
    world.fault("pharmacy", "hang", POST_ORDER, seconds=0.2)
    began = perf_counter()
    with pytest.raises(httpx.RemoteProtocolError):
        await _post(http, world)
    assert perf_counter() - began >= 0.2


async def test_a_slow_answer_is_only_late(http: httpx.AsyncClient, world: OutsideWorld):
    world.fault("pharmacy", "slow", POST_ORDER, ms=200)
    began = perf_counter()
    assert (await _post(http, world)).status_code == 201
    assert perf_counter() - began >= 0.2


async def test_a_fault_waits_for_its_turn_and_ends_with_its_number(
    http: httpx.AsyncClient, world: OutsideWorld
):
    world.fault("pharmacy", "status_before", POST_ORDER, after=1, times=2)

    answers = [(await _post(http, world)).status_code for _ in range(5)]

    assert answers == [201, 503, 503, 201, 201]
    (fault,) = world.faults()
    assert (fault["seen"], fault["done"]) == (5, 2)


async def test_a_fault_befalls_only_its_route_and_its_system(
    http: httpx.AsyncClient, world: OutsideWorld
):
    world.fault("pharmacy", "status_before", "GET *", times=100)
    world.fault("signing", "status_before", times=100)
    assert (await _post(http, world)).status_code == 201
    asked = await http.get(
        f"{world.pharmacy_url}{ORDERS}",
        params={"reference": "rx-1"},
        headers={"x-api-key": PHARMACY_KEY},
    )
    assert asked.status_code == 503


async def test_a_duplicate_is_the_same_event_twice(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(pharmacy=ear.url)
    world.fault("pharmacy", "duplicate", "pharmacy.order.received")
    await _post(http, world)
    await world.until_rest()

    bodies = [heard.body for heard in ear.heard]

    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


async def test_a_reordered_notice_comes_after_the_next_one(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(pharmacy=ear.url)
    await _post(http, world)
    await world.until_rest()
    world.fault("pharmacy", "reorder", "pharmacy.order.accepted", seconds=86_400)

    await steps.by(timedelta(hours=5))

    assert _statuses(ear) == ["received", "compounding", "accepted"]


async def test_a_reordered_notice_with_none_to_follow_comes_when_its_time_is_up(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(pharmacy=ear.url)
    world.fault("pharmacy", "reorder", seconds=60)
    await _post(http, world)
    await world.until_rest()
    assert ear.heard == []

    await steps.by(timedelta(seconds=60))

    assert _statuses(ear) == ["received"]


async def test_a_delayed_notice_comes_at_its_practice_time(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(pharmacy=ear.url)
    world.fault("pharmacy", "delay", seconds=600)
    await _post(http, world)
    await steps.by(timedelta(seconds=599))
    assert ear.heard == []

    await steps.by(timedelta(seconds=1))

    assert _statuses(ear) == ["received"]


async def test_a_dropped_notice_never_comes(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(pharmacy=ear.url)
    world.fault("pharmacy", "drop", "*.received")
    await _post(http, world)
    await steps.by(timedelta(minutes=20))

    assert _statuses(ear) == ["accepted"]
    assert [n["outcome"] for n in world.state()["webhooks"]] == ["dropped", "delivered"]


async def test_a_forged_notice_comes_first_with_another_id_and_a_seal_that_does_not_hold(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(pharmacy=ear.url)
    world.fault("pharmacy", "forged_signature")
    ear.answer = lambda _heard: 401 if len(ear.heard) == 1 else 200
    await _post(http, world)
    await world.until_rest()

    forged, real = ear.heard

    with pytest.raises(AssertionError):
        opened(forged, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)
    event, _ = opened(real, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)
    assert json.loads(forged.body)["id"] != event["id"]
    (notice,) = world.state()["webhooks"]
    assert (notice["forged_answers"], notice["answers"]) == ([401], [200])


async def test_a_notice_from_the_future_is_sealed_rightly_and_then_comes_with_the_right_time(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(pharmacy=ear.url)
    world.fault("pharmacy", "future_timestamp", seconds=3600)
    ear.answer = lambda _heard: 400 if len(ear.heard) == 1 else 200
    await _post(http, world)
    await world.until_rest()

    times = [opened(h, "x-pharmacy-signature", PHARMACY_WEBHOOK_SECRET)[1] for h in ear.heard]

    now = real_now().timestamp()
    assert times[0] - now > 3500
    assert abs(times[1] - now) < 10


async def test_notices_of_one_order_come_one_by_one_and_of_two_orders_side_by_side(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(pharmacy=ear.url)
    ear.takes_s = 0.05
    await _post(http, world, "rx-1")
    await steps.by(timedelta(days=7))
    assert ear.most_at_once == 1

    await _post(http, world, "rx-2")
    await _post(http, world, "rx-3")
    await steps.by(timedelta(days=7))
    assert ear.most_at_once == 2


async def test_one_practice_endpoint_in_trouble_does_not_hold_up_other_orders(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(pharmacy=ear.url)
    ear.answer = lambda heard: 503 if b"rx-1" in heard.body else 200
    await _post(http, world, "rx-1")
    await _post(http, world, "rx-2")
    for _ in range(100):
        if any(b"rx-2" in heard.body for heard in ear.heard):
            break
        await asyncio.sleep(0.01)
    assert any(b"rx-2" in heard.body for heard in ear.heard)
    assert world.rest()["at_rest"] is False
    ear.answer = lambda _heard: 200
    await world.until_rest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "smtp", "kind": "duplicate"},
        {"system": "sms", "kind": "future_timestamp"},
        {"system": "pharmacy", "kind": "explode"},
        {"system": "nobody", "kind": "drop"},
        {"system": "pharmacy", "kind": "drop", "times": 0},
        {"system": "pharmacy", "kind": "drop", "colour": "red"},
    ],
)
async def test_an_impossible_fault_is_refused(
    http: httpx.AsyncClient, world: OutsideWorld, wrong: dict[str, object]
):
    answer = await http.post(f"{world.url}/control/faults", json=wrong)
    assert answer.status_code == 422
    assert world.faults() == []


async def test_a_fault_is_taken_back(http: httpx.AsyncClient, world: OutsideWorld):
    fault_id = world.fault("pharmacy", "status_before", times=100)
    gone = await http.delete(f"{world.url}/control/faults/{fault_id}")
    assert gone.status_code == 204
    assert (await _post(http, world)).status_code == 201
    again = await http.delete(f"{world.url}/control/faults/{fault_id}")
    assert again.status_code == 404
