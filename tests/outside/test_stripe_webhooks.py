"""What Stripe tells the practice, verified as production verifies it."""

from __future__ import annotations

import json

import pytest
import stripe

from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import charge_params, save_card
from tests.support.outside_world import STRIPE_WEBHOOK_SECRET, OutsideWorld


def events_of(ear: Ear) -> list[stripe.Event]:
    """Every event heard, each with its signature verified by the official client."""
    return [
        stripe.Webhook.construct_event(
            heard.body, heard.headers["stripe-signature"], STRIPE_WEBHOOK_SECRET
        )
        for heard in ear.heard
    ]


async def test_a_series_of_events_tells_how_a_card_was_saved_and_charged(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(stripe=ear.url)
    customer, card = await save_card(stripe_client)
    paid = await stripe_client.v1.payment_intents.create_async(
        charge_params(customer, card), {"idempotency_key": "k-1"}
    )
    await stripe_client.v1.refunds.create_async({"payment_intent": paid.id})
    await world.until_rest()

    events = events_of(ear)

    assert [event.type for event in events if event.type.startswith("setup_intent.")] == [
        "setup_intent.created",
        "setup_intent.succeeded",
    ]
    kinds = [event.type for event in events]
    for kind in (
        "payment_method.attached",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ):
        assert kinds.count(kind) == 1
    succeeded = next(event for event in events if event.type == "payment_intent.succeeded")
    told = succeeded.data.object
    assert isinstance(told, stripe.PaymentIntent)
    assert (told.id, told.status, told.metadata["attempt_id"]) == (paid.id, "succeeded", "a-1")
    assert succeeded.request is not None
    assert succeeded.request.idempotency_key == "k-1"
    assert succeeded.created == int(steps.now().timestamp())


async def test_a_declined_charge_is_told_with_its_reason(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    customer, card = await save_card(stripe_client, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    await world.until_rest()

    failed = next(e for e in events_of(ear) if e.type == "payment_intent.payment_failed")

    intent = failed.data.object
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "generic_decline"


async def test_an_event_is_a_snapshot_and_is_found_again_by_its_id(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    customer, card = await save_card(stripe_client)
    paid = await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    await stripe_client.v1.refunds.create_async({"payment_intent": paid.id})
    await world.until_rest()
    heard = next(e for e in events_of(ear) if e.type == "charge.succeeded")

    asked = await stripe_client.v1.events.retrieve_async(heard.id)

    assert isinstance(asked.data.object, stripe.Charge)
    assert asked.data.object.amount_refunded == 0
    listed = await stripe_client.v1.events.list_async({"type": "charge.refunded"})
    assert [event.type for event in listed.data] == ["charge.refunded"]


async def test_a_refused_notice_comes_again_until_it_is_accepted(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    ear.answer = lambda _heard: 503 if len(ear.heard) <= 2 else 200
    await stripe_client.v1.customers.create_async({})
    undelivered = await stripe_client.v1.events.list_async({"delivery_success": False})
    await world.until_rest()

    assert len(undelivered.data) == 1
    assert len({json.loads(heard.body)["id"] for heard in ear.heard}) == 1
    (notice,) = world.state()["webhooks"]
    assert (notice["outcome"], notice["answers"]) == ("delivered", [503, 503, 200])
    delivered = await stripe_client.v1.events.list_async({"delivery_success": True})
    assert [event.pending_webhooks for event in delivered.data] == [0]


async def test_a_notice_arrives_although_the_answer_to_the_call_is_lost(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    customer, card = await save_card(stripe_client)
    world.notify(stripe=ear.url)
    world.fault("stripe", "lost_answer", "POST /v1/payment_intents")

    with pytest.raises(stripe.APIConnectionError):
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    await world.until_rest()

    assert [e.type for e in events_of(ear)].count("payment_intent.succeeded") == 1
