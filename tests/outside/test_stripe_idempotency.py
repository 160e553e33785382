"""One key, one effect: what a repeat is answered, and when it is not a repeat any more."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import pytest
import stripe

from tests.outside.conftest import Steps
from tests.outside.stripe_calls import charge_params, save_card
from tests.support.outside_world import OutsideWorld


def _paid(world: OutsideWorld) -> int:
    return sum(charge["paid"] for charge in world.state()["stripe"]["charges"])


async def test_the_same_key_charges_once_and_answers_the_same(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    params = charge_params(customer, card)

    answers = [
        await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})
        for _ in range(3)
    ]

    assert len({intent.id for intent in answers}) == 1
    assert _paid(world) == 1
    repeat = answers[-1].last_response
    assert repeat is not None
    assert repeat.headers["idempotent-replayed"] == "true"


async def test_without_a_key_of_ours_every_call_charges(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    for _ in range(2):
        await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    assert _paid(world) == 2


async def test_a_decline_is_replayed_even_after_the_card_is_well_again(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    world.issuer_says(card, "insufficient_funds")
    params = charge_params(customer, card)
    with pytest.raises(stripe.CardError):
        await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})
    world.issuer_says(card, None)

    with pytest.raises(stripe.CardError) as replayed:
        await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    assert replayed.value.error is not None
    assert replayed.value.error.decline_code == "insufficient_funds"
    assert len(world.state()["stripe"]["charges"]) == 1


async def test_stripes_own_500_is_replayed_although_the_charge_is_real(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    world.fault("stripe", "status_after", "POST /v1/payment_intents")
    params = charge_params(customer, card)

    for _ in range(2):
        with pytest.raises(stripe.APIError) as trouble:
            await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})
        assert trouble.value.http_status == 500

    assert _paid(world) == 1
    found = await stripe_client.v1.payment_intents.list_async({"customer": customer.id})
    assert [intent.status for intent in found.data] == ["succeeded"]


async def test_a_lost_answer_is_found_again_under_its_key(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    world.fault("stripe", "lost_answer", "POST /v1/payment_intents")
    params = charge_params(customer, card)
    with pytest.raises(stripe.APIConnectionError):
        await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    again = await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    assert again.status == "succeeded"
    assert _paid(world) == 1


async def test_a_503_before_the_work_leaves_the_key_unused(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    world.fault("stripe", "status_before", "POST /v1/payment_intents", times=3)
    params = charge_params(customer, card)
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})
    assert _paid(world) == 0

    await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    assert _paid(world) == 1


async def test_one_key_for_two_different_charges_is_an_error(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    params = charge_params(customer, card)
    await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError) as refused:
        await stripe_client.v1.payment_intents.create_async(
            params | {"amount": 40000}, {"idempotency_key": "k"}
        )

    assert refused.value.http_status == 400
    assert _paid(world) == 1


async def test_a_document_that_is_sent_again_under_its_key_is_the_same_and_another_is_an_error(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    """The client parts the form by other words each time, which are no parameter."""

    async def upload(content: bytes) -> stripe.File:
        document = io.BytesIO(content)
        document.name = "evidence.pdf"
        return await stripe_client.v1.files.create_async(
            {"purpose": "dispute_evidence", "file": document}, {"idempotency_key": "k"}
        )

    first = await upload(b"%PDF-1.7 made up")
    assert (await upload(b"%PDF-1.7 made up")).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        await upload(b"%PDF-1.7 another")
    assert [one["id"] for one in world.state()["stripe"]["uploads"]] == [first.id]


async def test_two_calls_at_once_with_one_key_charge_once_and_one_is_told_to_wait(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    world.fault("stripe", "slow", "POST /v1/payment_intents", ms=300)
    params = charge_params(customer, card)

    async def charge() -> str:
        try:
            intent = await stripe_client.v1.payment_intents.create_async(
                params, {"idempotency_key": "k"}
            )
        except stripe.StripeError as refused:
            return f"{refused.http_status} {refused.error and refused.error.code}"
        return intent.status

    answers = await asyncio.gather(charge(), charge())

    assert sorted(answers) == ["409 idempotency_key_in_use", "succeeded"]
    assert _paid(world) == 1
    assert await charge() == "succeeded"
    assert _paid(world) == 1


async def test_refused_parameters_do_not_use_up_the_key(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    customer, card = await save_card(stripe_client)
    params = charge_params(customer, card)
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.payment_intents.create_async(
            params | {"amount": 1}, {"idempotency_key": "k"}
        )

    await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    assert _paid(world) == 1


async def test_after_24_hours_the_key_is_forgotten_and_the_same_call_charges_again(
    stripe_client: stripe.StripeClient, world: OutsideWorld, steps: Steps
):
    customer, card = await save_card(stripe_client)
    params = charge_params(customer, card)
    await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})
    await steps.by(timedelta(hours=23, minutes=59))
    await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})
    assert _paid(world) == 1

    await steps.by(timedelta(minutes=1))
    await stripe_client.v1.payment_intents.create_async(params, {"idempotency_key": "k"})

    assert _paid(world) == 2
