"""Checkout: a patient pays on Stripe's own page, or leaves a card there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import charge_params, pay_link
from tests.outside.test_stripe_webhooks import events_of
from tests.support.outside_world import OutsideWorld


async def _card_link(client: stripe.StripeClient, customer: str | None = None) -> Any:
    params: Any = {"mode": "setup", "currency": "usd", "success_url": "http://127.0.0.1/done"}
    if customer is not None:
        params["customer"] = customer
    params["setup_intent_data"] = {"metadata": {"setup_id": "s-1"}}
    return await client.v1.checkout.sessions.create_async(params)


async def test_a_patient_pays_a_link_and_the_payment_carries_our_marks(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    session = await pay_link(stripe_client, attempt="a-1")
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.payment_intent) == (39900, None)
    assert session.url is not None

    assert world.patient_pays(session.url) == 303

    paid = await stripe_client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["payment_intent", "line_items"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert paid.payment_intent.status == "succeeded"
    assert paid.payment_intent.metadata["attempt_id"] == "a-1"
    assert paid.line_items is not None
    assert [line.description for line in paid.line_items.data] == ["Your balance"]
    (charge,) = world.state()["stripe"]["charges"]
    assert (charge["amount"], charge["metadata"]["attempt_id"]) == (39900, "a-1")
    await world.until_rest()
    events = events_of(ear)
    assert [event.type for event in events if event.type.startswith("checkout.")] == [
        "checkout.session.completed"
    ]
    told = next(e for e in events if e.type == "checkout.session.completed").data.object
    assert isinstance(told, stripe.checkout.Session)
    assert (told.id, told.metadata and told.metadata["link_id"]) == (session.id, "l-1")


async def test_a_refused_card_leaves_the_page_open_for_another_on_the_same_payment(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    session = await pay_link(stripe_client)
    assert session.url is not None

    assert world.patient_pays(session.url, "4000000000009995") == 402
    refused = await stripe_client.v1.checkout.sessions.retrieve_async(session.id)
    assert (refused.status, refused.payment_status) == ("open", "unpaid")
    assert world.patient_pays(session.url) == 303

    assert [c["status"] for c in world.state()["stripe"]["charges"]] == ["failed", "succeeded"]
    assert len(world.state()["stripe"]["payment_intents"]) == 1


async def test_a_paid_link_takes_no_second_payment(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    session = await pay_link(stripe_client)
    assert session.url is not None
    world.patient_pays(session.url)

    assert world.patient_pays(session.url) == 400

    assert len(world.state()["stripe"]["charges"]) == 1
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.checkout.sessions.expire_async(session.id)


async def test_a_link_ends_by_the_clock_and_can_then_not_be_paid(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    world.notify(stripe=ear.url)
    until = int((steps.now() + timedelta(hours=2)).timestamp())
    session = await pay_link(stripe_client, expires_at=until)
    assert session.url is not None
    world.patient_pays(session.url, "4000000000000002")

    await steps.by(timedelta(hours=2))

    ended = await stripe_client.v1.checkout.sessions.retrieve_async(session.id)
    assert (ended.status, ended.url) == ("expired", None)
    assert world.patient_pays(session.url) == 400
    (intent,) = world.state()["stripe"]["payment_intents"]
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "expired")
    assert "checkout.session.expired" in [event.type for event in events_of(ear)]


async def test_we_end_a_link_ourselves_when_another_tender_paid(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    session = await pay_link(stripe_client)
    ended = await stripe_client.v1.checkout.sessions.expire_async(session.id)
    assert ended.status == "expired"
    assert session.url is not None
    assert world.patient_pays(session.url) == 400
    assert world.state()["stripe"]["charges"] == []


@pytest.mark.parametrize("ahead_min", [30, 1440])
async def test_a_link_lives_between_half_an_hour_and_a_day(
    stripe_client: stripe.StripeClient, steps: Steps, ahead_min: int
):
    until = int((steps.now() + timedelta(minutes=ahead_min)).timestamp())
    session = await pay_link(stripe_client, expires_at=until)
    assert session.expires_at == until


@pytest.mark.parametrize("ahead_min", [29, 1441])
async def test_a_link_lives_no_shorter_and_no_longer(
    stripe_client: stripe.StripeClient, steps: Steps, ahead_min: int
):
    until = int((steps.now() + timedelta(minutes=ahead_min)).timestamp())
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await pay_link(stripe_client, expires_at=until)
    assert refused.value.param == "expires_at"


async def test_a_bank_that_asks_is_answered_on_the_page(
    stripe_client: stripe.StripeClient, world: OutsideWorld, http: httpx.AsyncClient
):
    session = await pay_link(stripe_client)
    assert session.url is not None
    world.patient_pays(session.url, "4000002760003184")
    assert "whether it is really you" in (await http.get(session.url)).text

    assert world.patient_answers_bank(session.url, "fails") == 402
    world.patient_pays(session.url, "4000002760003184")
    assert world.patient_answers_bank(session.url, "passes") == 303

    paid = await stripe_client.v1.checkout.sessions.retrieve_async(session.id)
    assert paid.payment_status == "paid"


async def test_a_card_left_on_the_page_is_charged_later(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer = await stripe_client.v1.customers.create_async({})
    session = await _card_link(stripe_client, customer.id)
    assert (session.payment_status, session.amount_total) == ("no_payment_required", None)

    assert world.patient_pays(session.url) == 303

    setup = await stripe_client.v1.setup_intents.retrieve_async(session.setup_intent)
    assert (setup.status, setup.metadata["setup_id"]) == ("succeeded", "s-1")
    assert isinstance(setup.payment_method, str)
    paid = await stripe_client.v1.payment_intents.create_async(
        charge_params(customer, setup.payment_method)
    )
    assert paid.status == "succeeded"


async def test_a_card_paid_with_is_kept_where_the_link_says_so(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer = await stripe_client.v1.customers.create_async({})
    session = await pay_link(
        stripe_client,
        customer=customer.id,
        payment_intent_data={"setup_future_usage": "off_session"},
    )
    assert session.url is not None
    world.patient_pays(session.url)
    kept = await stripe_client.v1.customers.payment_methods.list_async(customer.id)
    assert len(kept.data) == 1


async def test_an_intent_of_a_page_is_the_pages_alone(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    session = await pay_link(stripe_client)
    assert session.url is not None
    world.patient_pays(session.url, "4000000000000002")
    (intent,) = world.state()["stripe"]["payment_intents"]
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.payment_intents.cancel_async(intent["id"])
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.payment_intents.confirm_async(
            intent["id"], {"payment_method": "pm_card_visa"}
        )


async def test_links_are_found_by_customer_and_by_status(stripe_client: stripe.StripeClient):
    customer = await stripe_client.v1.customers.create_async({})
    first = await pay_link(stripe_client, customer=customer.id)
    second = await pay_link(stripe_client)
    await stripe_client.v1.checkout.sessions.expire_async(first.id)

    of_customer = await stripe_client.v1.checkout.sessions.list_async({"customer": customer.id})
    still_open = await stripe_client.v1.checkout.sessions.list_async({"status": "open"})

    assert [session.id for session in of_customer.data] == [first.id]
    assert [session.id for session in still_open.data] == [second.id]


async def test_the_same_key_makes_one_link(stripe_client: stripe.StripeClient, world: OutsideWorld):
    made = [await pay_link(stripe_client, key="k-1") for _ in range(2)]
    assert made[0].id == made[1].id
    assert len(world.state()["stripe"]["checkout_sessions"]) == 1


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"mode": "subscription"}, "mode"),
        ({"line_items": []}, "line_items"),
        ({"payment_intent_data": {"transfer_group": "x"}}, "payment_intent_data[transfer_group]"),
        ({"allow_promotion_codes": True}, "allow_promotion_codes"),
        ({"customer": "cus_of_nobody"}, "customer"),
        ({"setup_intent_data": {"description": "x"}}, "setup_intent_data"),
    ],
)
async def test_a_wrong_link_is_refused_by_name(
    stripe_client: stripe.StripeClient, world: OutsideWorld, wrong: dict[str, Any], param: str
):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await pay_link(stripe_client, **wrong)
    assert refused.value.param == param
    assert world.state()["stripe"]["checkout_sessions"] == []


async def test_the_page_escapes_what_it_shows_and_guards_itself(
    stripe_client: stripe.StripeClient, http: httpx.AsyncClient
):
    session = await pay_link(stripe_client, name="<script>alert(1)</script>")
    assert session.url is not None
    shown = await http.get(session.url)
    assert "<script>" not in shown.text
    assert "&lt;script&gt;" in shown.text
    assert "$399.00" in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
