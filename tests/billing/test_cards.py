"""A card is saved in the patient's own browser; Stripe knows the patient by a random id, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import stripe

from services.billing.gateways.stripe import StripeCards
from services.billing.rules.payments.cards import LOOK_AGAIN_AFTER
from shared.auth import Role
from shared.errors import Poison
from shared.events.billing import CardSaved
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.support.eventually import eventually
from tests.support.outside_world import STRIPE_PUBLISHABLE_KEY


async def test_a_card_is_saved_by_the_patients_browser_and_the_webhook(billing: Billing):
    patient = new_id()
    setup = await billing.start_setup(patient)
    assert setup["publishable_key"] == STRIPE_PUBLISHABLE_KEY
    assert await billing.said(CardSaved) == []

    await billing.confirm_in_browser(setup, "pm_card_visa")
    await eventually(lambda: billing.said(CardSaved))

    shown = await billing.told("GET", f"/patients/{patient}/card-setups/{setup['setup_id']}")
    assert shown == {
        "setup_id": setup["setup_id"],
        "state": "saved",
        "mandate_text": setup["mandate_text"],
        "is_agreed": True,
        "client_secret": None,
        "publishable_key": None,
    }
    [saved] = await billing.said(CardSaved)
    assert saved.patient_id == patient


async def test_many_set_ups_at_once_make_one_customer(billing: Billing):
    patient = new_id()
    path = f"/patients/{patient}/card-setups"
    started = await asyncio.gather(*(billing.told("POST", path, {}) for _ in range(5)))

    async def all_ready() -> None:
        for setup in started:
            shown = await billing.told("GET", f"{path}/{setup['setup_id']}")
            assert shown["state"] == "ready"

    await eventually(all_ready)
    assert len(billing.at_stripe("customers")) == 1
    assert len(billing.at_stripe("setup_intents")) == 5


async def test_lost_answers_make_neither_a_second_customer_nor_a_second_set_up(billing: Billing):
    for kind, more in (("lost_answer", {}), ("status_after", {"status": 500})):
        billing.world.fault("stripe", kind, "POST /v1/customers", **more)
        billing.world.fault("stripe", kind, "POST /v1/setup_intents", **more)
        await billing.start_setup(new_id())

    assert len(billing.at_stripe("customers")) == 2
    assert len(billing.at_stripe("setup_intents")) == 2


async def test_a_confirmed_card_is_found_although_no_webhook_tells_of_it(billing: Billing):
    patient = new_id()
    setup = await billing.start_setup(patient)
    billing.world.notify(stripe=None)
    await billing.confirm_in_browser(setup, "pm_card_visa")

    billing.step(LOOK_AGAIN_AFTER + timedelta(seconds=1))

    await eventually(lambda: billing.said(CardSaved))


async def test_a_set_up_of_another_patient_is_not_shown(billing: Billing):
    setup = await billing.start_setup(new_id())
    answer = await billing.ask("GET", f"/patients/{new_id()}/card-setups/{setup['setup_id']}")
    assert answer.status_code == 404


async def test_the_newest_card_is_the_one_that_is_charged(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient, "pm_card_visa")
    billing.step(timedelta(minutes=1))
    newest = await billing.save_card(patient, "pm_card_mastercard")

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    [charged] = billing.at_stripe("charges")
    assert charged["payment_method"] == newest


async def test_an_older_set_up_that_is_told_of_late_does_not_become_the_card_on_file(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    older = await billing.start_setup(patient)
    newer = await billing.start_setup(patient)
    billing.world.notify(stripe=None)  # the notice of the older one is lost
    assert (await billing.confirm_in_browser(older, "pm_card_visa")).is_success
    billing.world.notify(stripe=f"{billing.url}/webhooks/stripe")
    confirmed = await billing.confirm_in_browser(newer, "pm_card_mastercard")
    await eventually(lambda: billing.said(CardSaved))
    billing.step(LOOK_AGAIN_AFTER + timedelta(minutes=1))  # we look ourselves

    async def both_are_saved() -> bool:
        return len(await billing.said(CardSaved)) == 2

    await eventually(both_are_saved)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    [charged] = billing.at_stripe("charges")
    assert charged["payment_method"] == confirmed.json()["payment_method"]


async def test_an_older_set_up_that_is_told_of_late_is_not_tried_next(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    older = await billing.start_setup(patient)
    billing.step(timedelta(minutes=1))
    newest = await billing.save_card(patient)
    billing.world.issuer_says(newest, "insufficient_funds")
    await billing.confirm_in_browser(older, "pm_card_mastercard")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    billing.world.issuer_says(newest, None)

    charge = await billing.only_charge(patient)
    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {})
    await billing.until_rest()

    assert {one["payment_method"] for one in billing.at_stripe("charges")} == {newest}


async def test_a_set_up_that_cannot_be_prepared_fails_when_it_is_given_up(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient = new_id()

    async def refused(_self: StripeCards, _order: object) -> None:
        raise Poison("stripe_refuses_parameter_invalid")

    for noun in ("customer", "setup"):
        with monkeypatch.context() as patched:
            patched.setattr(StripeCards, f"create_{noun}", refused)
            started = await billing.told("POST", f"/patients/{patient}/card-setups", {})
            await eventually(billing.parked)
        [parked] = (await billing.ask("GET", "/operations/parked", role=Role.OPS)).json()["items"]
        path = f"/operations/parked/{parked['parked_id']}/discard"
        await billing.ask("POST", path, {"why": "it cannot be made"}, role=Role.OPS)

        path = f"/patients/{patient}/card-setups/{started['setup_id']}"
        assert (await billing.told("GET", path))["state"] == "failed"
        if noun == "customer":
            await billing.start_setup(patient)  # the next one makes the customer


async def test_a_card_that_was_taken_off_at_stripe_is_not_tried_the_patient_is_asked(
    billing: Billing, dashboard: stripe.StripeClient
):
    patient = new_id()
    await billing.set_fee()
    older = await billing.save_card(patient)
    card = await billing.save_card(patient, "pm_card_mastercard")
    await dashboard.v1.payment_methods.detach_async(card)
    await billing.until_rest()

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    [intent] = billing.at_stripe("payment_intents")
    assert (intent["payment_method"], billing.money_taken()) == (older, [39900])

    await dashboard.v1.payment_methods.detach_async(older)
    await billing.until_rest()
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    assert len(billing.at_stripe("payment_intents")) == 1
    assert len(billing.at_stripe("checkout_sessions")) == 1
    assert await billing.parked() == []
