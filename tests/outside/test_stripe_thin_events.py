"""Thin events: what changed, to be fetched, beside the snapshots or instead of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import stripe
from stripe.events import UnknownEventNotification
from stripe.v2.core import EventNotification

from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import charge_params, pay_link, save_card
from tests.support.outside_world import STRIPE_WEBHOOK_SECRET, OutsideWorld


def _told(client: stripe.StripeClient, ear: Ear) -> list[EventNotification]:
    """Every thin event heard, each with its signature verified by the official client."""
    return [
        client.parse_event_notification(
            heard.body, heard.headers["stripe-signature"], STRIPE_WEBHOOK_SECRET
        )
        for heard in ear.heard
    ]


async def test_a_thin_event_leads_to_the_present_state_of_what_changed(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    customer, card = await save_card(stripe_client)
    world.notify(stripe_thin=ear.url)
    paid = await stripe_client.v1.payment_intents.create_async(
        charge_params(customer, card), {"idempotency_key": "k-1"}
    )
    await stripe_client.v1.refunds.create_async({"payment_intent": paid.id})
    await world.until_rest()

    told = _told(stripe_client, ear)

    succeeded = next(
        one
        for one in told
        if isinstance(one, stripe.events.V1PaymentIntentSucceededEventNotification)
    )
    assert succeeded.related_object.id == paid.id
    assert succeeded.reason is not None
    assert succeeded.reason.request is not None
    assert succeeded.reason.request.idempotency_key == "k-1"
    assert succeeded.related_object.url == f"/v1/payment_intents/{paid.id}"
    charged = next(
        one for one in told if isinstance(one, stripe.events.V1ChargeSucceededEventNotification)
    )
    charge = await stripe_client.v1.charges.retrieve_async(charged.related_object.id)
    assert charge.amount_refunded == 39900  # the present, not the moment of the event


async def test_a_thin_event_is_asked_for_again_and_names_its_snapshot(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe_thin=ear.url)
    customer = await stripe_client.v1.customers.create_async({})
    await world.until_rest()
    (told,) = _told(stripe_client, ear)

    event = await told.fetch_event_async()

    assert isinstance(event, stripe.events.V1CustomerCreatedEvent)
    assert event.related_object.id == customer.id
    assert event.snapshot_event is not None
    snapshot = await stripe_client.v1.events.retrieve_async(event.snapshot_event)
    assert (snapshot.type, snapshot.data.object.id) == ("customer.created", customer.id)
    assert snapshot.id != event.id
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v2.core.events.retrieve_async("evt_of_nobody")


async def test_the_clients_own_fetch_of_what_changed_is_refused_for_a_parameter_it_adds(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    """Client 16.1 puts `usage[]`, meant for its telemetry, into the query of that call."""
    world.notify(stripe_thin=ear.url)
    await stripe_client.v1.customers.create_async({})
    await world.until_rest()
    (told,) = _told(stripe_client, ear)
    assert isinstance(told, stripe.events.V1CustomerCreatedEventNotification)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await told.fetch_related_object_async()

    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "usage")


async def test_one_address_may_hear_both_kinds_of_one_event(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url, stripe_thin=ear.url)
    await stripe_client.v1.customers.create_async({})
    await world.until_rest()

    bodies = {body["object"]: body for body in (json.loads(heard.body) for heard in ear.heard)}

    assert bodies["v2.core.event"]["snapshot_event"] == bodies["event"]["id"]
    assert len(ear.heard) == 2


async def test_every_kind_that_is_sent_is_known_to_the_client(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(stripe_thin=ear.url)
    customer, card = await save_card(stripe_client)
    paid = await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    await stripe_client.v1.refunds.create_async({"payment_intent": paid.id})
    link = await pay_link(stripe_client)
    assert link.url is not None
    world.patient_pays(link.url, "4000000000000002")
    world.patient_pays(link.url, "4000002760003184")
    world.patient_answers_bank(link.url, "passes")
    await pay_link(stripe_client)
    await stripe_client.v1.payment_methods.detach_async(card)
    await steps.by(timedelta(days=2))

    told = _told(stripe_client, ear)

    assert "v1.checkout.session.expired" in {one.type for one in told}
    assert [one.type for one in told if isinstance(one, UnknownEventNotification)] == []


async def test_missed_thin_events_are_listed_by_kind_by_object_and_by_time(
    stripe_client: stripe.StripeClient, steps: Steps
):
    first = await stripe_client.v1.customers.create_async({})
    await steps.by(timedelta(hours=1))
    since = steps.now().isoformat().replace("+00:00", "Z")
    second = await stripe_client.v1.customers.create_async({})
    await stripe_client.v1.customers.update_async(second.id, {"description": "x"})

    events = stripe_client.v2.core.events
    created = await events.list_async({"types": ["v1.customer.created"], "limit": 1})
    of_one = await events.list_async({"object_id": second.id})
    recent = await events.list_async({"created": {"gte": since}})

    assert [event.related_object.id async for event in created.auto_paging_iter()] == [
        second.id,
        first.id,
    ]
    assert [event.type for event in of_one.data] == ["v1.customer.updated", "v1.customer.created"]
    assert len(recent.data) == 2


async def test_an_undelivered_event_of_either_kind_is_found_and_paged_through(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url, stripe_thin=ear.url)
    world.fault("stripe", "drop", "customer.created", times=3)
    world.fault("stripe", "drop", "v1.customer.created", times=2)
    for _ in range(5):
        await stripe_client.v1.customers.create_async({})
    await world.until_rest()

    events = stripe_client.v1.events
    everything = await events.list_async({"type": "customer.created"})
    newest_first = [event.id for event in everything.data]
    missed = await events.list_async({"delivery_success": False})
    assert [(event.id, event.pending_webhooks) for event in missed.data] == [
        (newest_first[2], 1),
        (newest_first[3], 2),
        (newest_first[4], 2),
    ]
    later = await events.list_async(
        {"delivery_success": False, "ending_before": newest_first[4], "limit": 1}
    )
    assert [event.id for event in later.data] == [newest_first[3]]
    assert later.has_more
    earlier = await events.list_async(
        {"delivery_success": False, "starting_after": newest_first[2]}
    )
    assert [event.id for event in earlier.data] == newest_first[3:]


async def test_events_are_given_for_thirty_days(stripe_client: stripe.StripeClient, steps: Steps):
    await stripe_client.v1.customers.create_async({})
    await steps.by(timedelta(days=30))
    kept = await stripe_client.v1.events.list_async({})
    assert len(kept.data) == 1

    await steps.by(timedelta(seconds=1))

    assert (await stripe_client.v1.events.list_async({})).data == []
    assert (await stripe_client.v2.core.events.list_async({})).data == []
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.events.retrieve_async(kept.data[0].id)
