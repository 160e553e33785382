"""Saving a card and charging it, through the official client."""

from __future__ import annotations

from typing import Any, cast

import pytest
import stripe

from tests.outside.conftest import Steps
from tests.outside.stripe_calls import charge_params, save_card
from tests.support.outside_world import STRIPE_PUBLISHABLE_KEY, OutsideWorld


async def test_a_saved_card_is_charged_once_and_the_client_reads_real_objects(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)

    intent = await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))

    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.status == "succeeded"
    assert intent.amount_received == 39900
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.paid
    assert intent.latest_charge.payment_method_details is not None
    charges = world.state()["stripe"]["charges"]
    assert [(c["amount"], c["metadata"]["attempt_id"]) for c in charges] == [(39900, "a-1")]


@pytest.mark.parametrize(
    ("number", "code", "decline_code", "advice", "network_advice"),
    [
        ("4000000000000002", "card_declined", "generic_decline", "try_again_later", "02"),
        ("4000000000009995", "card_declined", "insufficient_funds", "try_again_later", "02"),
        ("4000000000009987", "card_declined", "lost_card", "do_not_try_again", "03"),
        ("4000000000009979", "card_declined", "stolen_card", "do_not_try_again", "03"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded", "try_again_later", "02"),
        ("4000000000000069", "expired_card", "expired_card", "do_not_try_again", "01"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc", "confirm_card_data", "01"),
        ("4000000000000119", "processing_error", "processing_error", "try_again_later", "02"),
        ("4000000000000341", "card_declined", "generic_decline", "try_again_later", "02"),
        ("4000002760003184", "authentication_required", "authentication_required", None, None),
    ],
)
async def test_each_declining_card_is_declined_with_its_own_codes(
    stripe_client: stripe.StripeClient,
    world: OutsideWorld,
    number: str,
    code: str,
    decline_code: str,
    advice: str | None,
    network_advice: str | None,
):
    customer = await stripe_client.v1.customers.create_async({})
    card = await stripe_client.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2035}}
    )

    with pytest.raises(stripe.CardError) as declined:
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card.id))

    error = declined.value.error
    assert error is not None
    assert (declined.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    assert getattr(error, "advice_code", None) == advice
    assert getattr(error, "network_advice_code", None) == network_advice
    assert isinstance(error.payment_intent, stripe.PaymentIntent)
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.last_payment_error is not None
    (charge,) = world.state()["stripe"]["charges"]
    assert (charge["status"], charge["paid"]) == ("failed", False)
    assert charge["outcome"]["network_advice_code"] == network_advice


@pytest.mark.parametrize(
    ("says", "advice", "network_advice"),
    [
        ("do_not_honor", "try_again_later", "02"),
        ("pickup_card", "do_not_try_again", "03"),
        ("fraudulent", "do_not_try_again", "03"),
        ("invalid_account", "confirm_card_data", "01"),
        ("revocation_of_authorization", "do_not_try_again", "21"),
    ],
)
async def test_an_issuer_declines_for_reasons_that_no_test_card_has(
    stripe_client: stripe.StripeClient,
    world: OutsideWorld,
    says: str,
    advice: str,
    network_advice: str,
):
    customer, card = await save_card(stripe_client)
    world.issuer_says(card, says)
    with pytest.raises(stripe.CardError) as declined:
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    error = declined.value.error
    assert error is not None
    assert (error.decline_code, error.advice_code) == (says, advice)
    assert error.network_advice_code == network_advice


async def test_a_card_that_will_be_declined_cannot_be_saved_but_one_may_decline_only_later(
    stripe_client: stripe.StripeClient,
):
    with pytest.raises(stripe.CardError) as refused:
        await save_card(stripe_client, "pm_card_chargeDeclined")
    assert refused.value.error is not None
    assert refused.value.error.setup_intent is not None
    assert refused.value.error.setup_intent.status == "requires_payment_method"

    customer, card = await save_card(stripe_client, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))


async def test_a_good_card_may_turn_bad_in_the_middle_of_a_series_and_good_again(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    await stripe_client.v1.payment_intents.create_async(charge_params(customer, card, "a-1"))

    world.issuer_says(card, "insufficient_funds")
    with pytest.raises(stripe.CardError):
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card, "a-2"))
    world.issuer_says(card, None)
    await stripe_client.v1.payment_intents.create_async(charge_params(customer, card, "a-3"))

    charges = world.state()["stripe"]["charges"]
    assert [c["status"] for c in charges] == ["succeeded", "failed", "succeeded"]


async def test_a_card_that_wants_authentication_once_is_charged_off_session_when_set_up(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer = await stripe_client.v1.customers.create_async({})
    intent = await stripe_client.v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
        }
    )
    assert intent.status == "requires_action"
    assert isinstance(intent.payment_method, str)
    params = charge_params(customer, intent.payment_method)
    with pytest.raises(stripe.CardError):
        await stripe_client.v1.payment_intents.create_async(params)

    assert world.cardholder(intent.id, "passes")["status"] == "succeeded"

    charged = await stripe_client.v1.payment_intents.create_async(params)
    assert charged.status == "succeeded"


async def test_a_declined_intent_is_paid_on_session_after_the_cardholder_proves_who_they_are(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer = await stripe_client.v1.customers.create_async({})
    card = "pm_card_authenticationRequired"
    with pytest.raises(stripe.CardError) as declined:
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    assert declined.value.error is not None
    assert declined.value.error.payment_intent is not None
    intent_id = declined.value.error.payment_intent.id

    again = await stripe_client.v1.payment_intents.confirm_async(
        intent_id, {"payment_method": card}
    )
    assert again.status == "requires_action"
    assert world.cardholder(intent_id, "fails")["status"] == "requires_payment_method"
    await stripe_client.v1.payment_intents.confirm_async(intent_id, {"payment_method": card})
    assert world.cardholder(intent_id, "passes")["status"] == "succeeded"


async def test_a_patients_browser_saves_a_card_by_number_with_the_publishable_key(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer = await stripe_client.v1.customers.create_async({})
    intent = await stripe_client.v1.setup_intents.create_async({"customer": customer.id})
    assert intent.client_secret is not None
    browser_http = stripe.HTTPXClient()
    browser = stripe.StripeClient(
        STRIPE_PUBLISHABLE_KEY,
        base_addresses={"api": world.stripe_url},
        http_client=browser_http,
    )
    card: stripe.params.PaymentMethodCreateParams = {
        "type": "card",
        "card": {
            "number": "5555555555554444",
            "exp_month": 12,
            "exp_year": 2030,
            "cvc": "123",
        },
    }
    method = await browser.v1.payment_methods.create_async(card)
    with pytest.raises(stripe.PermissionError):
        await browser.v1.customers.create_async({})
    with pytest.raises(stripe.InvalidRequestError):
        await browser.v1.setup_intents.confirm_async(
            intent.id, cast("Any", {"payment_method": method.id, "client_secret": "not it"})
        )

    confirmed = await browser.v1.setup_intents.confirm_async(
        intent.id,
        cast("Any", {"payment_method": method.id, "client_secret": intent.client_secret}),
    )

    assert confirmed.status == "succeeded"
    saved = await stripe_client.v1.payment_methods.retrieve_async(method.id)
    assert saved.customer == customer.id
    assert saved.card is not None
    assert (saved.card.brand, saved.card.last4) == ("mastercard", "4444")
    await browser_http.close_async()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4242424242424241", "incorrect_number"),
        ("4111111111111111", "card_declined"),
    ],
)
async def test_a_wrong_number_and_a_real_card_are_both_refused(
    stripe_client: stripe.StripeClient, number: str, code: str
):
    with pytest.raises(stripe.CardError) as refused:
        await stripe_client.v1.payment_methods.create_async(
            {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2030}}
        )
    assert refused.value.code == code


async def test_what_this_stripe_does_not_do_is_refused_by_name(
    stripe_client: stripe.StripeClient,
):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.payment_intents.create_async(
            {"amount": 39900, "currency": "usd", "transfer_group": "x"}
        )
    assert refused.value.code == "parameter_unknown"
    assert refused.value.param == "transfer_group"
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.products.create_async({"name": "x"})


async def test_an_attempt_is_found_by_customer_and_by_metadata(
    stripe_client: stripe.StripeClient,
):
    customer, card = await save_card(stripe_client)
    for attempt in ("a-1", "a-2", "a-3"):
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card, attempt))

    page = await stripe_client.v1.payment_intents.list_async({"customer": customer.id, "limit": 2})
    assert [intent.metadata["attempt_id"] for intent in page.data] == ["a-3", "a-2"]
    assert page.has_more
    everything = [i.metadata["attempt_id"] async for i in page.auto_paging_iter()]
    assert everything == ["a-3", "a-2", "a-1"]
    found = await stripe_client.v1.payment_intents.search_async(
        {"query": "metadata['attempt_id']:'a-2' AND status:'succeeded'"}
    )
    assert [intent.metadata["attempt_id"] for intent in found.data] == ["a-2"]


async def test_an_open_intent_is_cancelled_and_a_paid_one_is_not(
    stripe_client: stripe.StripeClient,
):
    customer, card = await save_card(stripe_client)
    waiting = await stripe_client.v1.payment_intents.create_async(
        {"amount": 39900, "currency": "usd", "customer": customer.id}
    )
    cancelled = await stripe_client.v1.payment_intents.cancel_async(waiting.id)
    assert cancelled.status == "canceled"

    paid = await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.payment_intents.cancel_async(paid.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_no_more_is_refunded_than_was_paid(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    paid = await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))

    first = await stripe_client.v1.refunds.create_async(
        {"payment_intent": paid.id, "amount": 10000}
    )
    assert (first.status, first.amount) == ("succeeded", 10000)
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 30000})
    await stripe_client.v1.refunds.create_async({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.refunds.create_async({"payment_intent": paid.id})

    assert refused.value.code == "charge_already_refunded"
    (charge,) = world.state()["stripe"]["charges"]
    assert (charge["amount_refunded"], charge["refunded"]) == (39900, True)


async def test_a_card_of_one_customer_pays_for_no_other(stripe_client: stripe.StripeClient):
    _, card = await save_card(stripe_client)
    other = await stripe_client.v1.customers.create_async({})
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.payment_intents.create_async(charge_params(other, card))


async def test_a_detached_card_belongs_to_nobody(stripe_client: stripe.StripeClient):
    customer, card = await save_card(stripe_client)
    page = await stripe_client.v1.customers.payment_methods.list_async(customer.id)
    assert [method.id for method in page.data] == [card]

    detached = await stripe_client.v1.payment_methods.detach_async(card)

    assert detached.customer is None
    attached = await stripe_client.v1.payment_methods.attach_async(card, {"customer": customer.id})
    assert attached.customer == customer.id


async def test_a_wrong_key_opens_nothing(world: OutsideWorld):
    http_client = stripe.HTTPXClient()
    stranger = stripe.StripeClient(
        "sk_test_of_somebody_else",
        base_addresses={"api": world.stripe_url},
        http_client=http_client,
    )
    with pytest.raises(stripe.AuthenticationError):
        await stranger.v1.customers.create_async({})
    await http_client.close_async()


async def test_objects_carry_practice_time(stripe_client: stripe.StripeClient, steps: Steps):
    customer = await stripe_client.v1.customers.create_async({})
    assert customer.created == int(steps.now().timestamp())
