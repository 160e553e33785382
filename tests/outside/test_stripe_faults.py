"""Each thing that goes wrong between Stripe and us, as the official client meets it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from shared.clock import real_now
from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import charge_params, pay_link, save_card
from tests.outside.test_stripe_webhooks import events_of
from tests.support.eventually import eventually
from tests.support.outside_world import STRIPE_KEY, STRIPE_WEBHOOK_SECRET, OutsideWorld

PAY = "POST /v1/payment_intents"
SUCCEEDED = "payment_intent.succeeded"


@pytest.fixture
async def hasty_client(world: OutsideWorld) -> AsyncIterator[stripe.StripeClient]:
    """The official client with little patience."""
    http_client = stripe.HTTPXClient(timeout=0.3)
    yield stripe.StripeClient(
        STRIPE_KEY, base_addresses={"api": world.stripe_url}, http_client=http_client
    )
    await http_client.close_async()


async def _pay(client: stripe.StripeClient, params: Any) -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})


def _paid(world: OutsideWorld) -> int:
    return sum(charge["paid"] for charge in world.state()["stripe"]["charges"])


def _code(refused: stripe.StripeError) -> str | None:
    """From the body: the client leaves its own `code` empty for these."""
    return None if refused.error is None else refused.error.code


def _kinds(ear: Ear) -> list[str]:
    return [event.type for event in events_of(ear)]


async def test_too_many_requests_are_told_as_such_and_nothing_is_done(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    params = charge_params(*await save_card(stripe_client))
    world.fault("stripe", "status_before", PAY, status=429)
    with pytest.raises(stripe.RateLimitError) as refused:
        await _pay(stripe_client, params)
    assert _code(refused.value) == "rate_limit"
    assert _paid(world) == 0
    assert (await _pay(stripe_client, params)).status == "succeeded"


async def test_a_locked_object_is_told_as_such_and_nothing_is_done(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    params = charge_params(*await save_card(stripe_client))
    world.fault("stripe", "status_before", PAY, status=409)
    with pytest.raises(stripe.StripeError) as refused:
        await _pay(stripe_client, params)
    assert (refused.value.http_status, _code(refused.value)) == (409, "lock_timeout")
    assert (await _pay(stripe_client, params)).status == "succeeded"
    assert _paid(world) == 1


async def test_a_time_out_after_the_work_is_found_again_under_its_key(
    stripe_client: stripe.StripeClient, hasty_client: stripe.StripeClient, world: OutsideWorld
):
    params = charge_params(*await save_card(stripe_client))
    world.fault("stripe", "hang", PAY, seconds=60)
    with pytest.raises(stripe.APIConnectionError):
        await _pay(hasty_client, params)
    assert _paid(world) == 1

    assert (await _pay(stripe_client, params)).status == "succeeded"

    assert _paid(world) == 1


async def test_a_notice_may_come_before_the_answer_to_the_call(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    params = charge_params(*await save_card(stripe_client))
    world.notify(stripe=ear.url)
    world.fault("stripe", "notices_first", PAY)
    ear.takes_s = 0.1

    paid = await _pay(stripe_client, params)

    told = [event for event in events_of(ear) if event.type == SUCCEEDED]
    assert [event.data.object.id for event in told] == [paid.id]


async def test_a_notice_comes_twice_with_one_id(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    params = charge_params(*await save_card(stripe_client))
    world.notify(stripe=ear.url)
    world.fault("stripe", "duplicate", SUCCEEDED)
    await _pay(stripe_client, params)
    await world.until_rest()
    ids = [event.id for event in events_of(ear) if event.type == SUCCEEDED]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_notices_come_in_the_wrong_order(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    params = charge_params(*await save_card(stripe_client))
    world.notify(stripe=ear.url)
    world.fault("stripe", "reorder", "charge.succeeded")
    await _pay(stripe_client, params)
    await world.until_rest()
    assert _kinds(ear) == ["payment_intent.created", SUCCEEDED, "charge.succeeded"]


async def test_a_notice_comes_late(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    params = charge_params(*await save_card(stripe_client))
    world.notify(stripe=ear.url)
    world.fault("stripe", "delay", SUCCEEDED, seconds=3600)
    await _pay(stripe_client, params)
    await world.until_rest()
    assert SUCCEEDED not in _kinds(ear)

    await steps.by(timedelta(hours=1))

    assert _kinds(ear)[-1] == SUCCEEDED


async def test_a_notice_that_never_comes_is_found_in_the_list_of_the_undelivered(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    params = charge_params(*await save_card(stripe_client))
    world.notify(stripe=ear.url)
    world.fault("stripe", "drop", SUCCEEDED)
    paid = await _pay(stripe_client, params)
    await world.until_rest()
    assert SUCCEEDED not in _kinds(ear)

    missed = await stripe_client.v1.events.list_async({"delivery_success": False})

    assert [event.type for event in missed.data] == [SUCCEEDED]
    assert missed.data[0].data.object.id == paid.id


async def test_a_notice_from_the_future_is_well_signed_for_the_client(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    world.fault("stripe", "future_timestamp", "customer.created", seconds=3600)
    await stripe_client.v1.customers.create_async({})
    await world.until_rest()
    (event,) = events_of(ear)  # the official client lets the future pass
    at = int(ear.heard[0].headers["stripe-signature"].split(",")[0].removeprefix("t="))
    assert event.type == "customer.created"
    assert at - real_now().timestamp() > 3500


async def test_a_strangers_notice_does_not_verify(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    world.fault("stripe", "forged_signature", "customer.created")
    await stripe_client.v1.customers.create_async({})
    await world.until_rest()
    forged, real = ear.heard
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            forged.body, forged.headers["stripe-signature"], STRIPE_WEBHOOK_SECRET
        )
    assert json.loads(forged.body)["id"] != json.loads(real.body)["id"]


async def test_frozen_nothing_is_answered_done_or_told_until_the_thaw(
    stripe_client: stripe.StripeClient,
    hasty_client: stripe.StripeClient,
    world: OutsideWorld,
    http: httpx.AsyncClient,
    ear: Ear,
    steps: Steps,
):
    params = charge_params(*await save_card(stripe_client))
    link = await pay_link(stripe_client)
    world.notify(stripe=ear.url)
    frozen = world.fault("stripe", "frozen")

    with pytest.raises(stripe.APIConnectionError):
        await _pay(hasty_client, params)
    with pytest.raises(stripe.APIConnectionError):
        await hasty_client.v1.events.list_async({})
    with pytest.raises(httpx.ReadTimeout):
        await http.get(str(link.url), timeout=0.3)
    await steps.by(timedelta(days=1))  # at rest although the link's end is not told
    assert _paid(world) == 0
    assert ear.heard == []

    world.take_back(frozen)
    await world.until_rest()

    assert _kinds(ear) == ["checkout.session.expired"]
    assert (await _pay(stripe_client, params)).status == "succeeded"
    assert _paid(world) == 1


async def test_who_still_waits_at_the_thaw_is_cut_off_undone(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    params = charge_params(*await save_card(stripe_client))
    frozen = world.fault("stripe", "frozen")
    waiting = asyncio.create_task(_pay(stripe_client, params))
    await eventually(lambda: world.faults()[0]["seen"] == 1)

    world.take_back(frozen)

    with pytest.raises(stripe.APIConnectionError):
        await waiting
    assert _paid(world) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "smtp", "kind": "frozen"},
        {"system": "smtp", "kind": "notices_first"},
        {"system": "stripe", "kind": "frozen", "route": PAY},
    ],
)
async def test_what_cannot_freeze_is_refused(
    http: httpx.AsyncClient, world: OutsideWorld, wrong: dict[str, object]
):
    answer = await http.post(f"{world.url}/control/faults", json=wrong)
    assert answer.status_code == 422
    assert world.faults() == []
