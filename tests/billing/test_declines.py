"""A card that is refused, and what may follow."""

from __future__ import annotations

import asyncio
from uuid import UUID

from shared.events.billing import DeclineReason, PaymentCaptured, PaymentDeclined
from shared.ids import new_id
from tests.billing.conftest import Billing


async def test_a_declined_card_is_followed_by_a_new_one(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient, "pm_card_chargeCustomerFail")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    declined = await billing.only_charge(patient)
    assert (declined["state"], declined["superbill_id"]) == ("declined", None)

    await billing.save_card(patient, "pm_card_mastercard")
    started = await billing.told("POST", f"/charges/{declined['charge_id']}/attempts", {})
    assert started["state"] == "pending"
    await billing.until_rest()

    paid = await billing.only_charge(patient)
    assert paid["state"] == "paid"
    assert [(one["state"], one["reason"]) for one in paid["attempts"]] == [
        ("declined", "declined"),
        ("captured", None),
    ]
    assert paid["attempts"][1]["attempt_id"] == started["attempt_id"]
    assert billing.money_taken() == [39900]
    assert len(await billing.said(PaymentDeclined)) == 1
    assert len(await billing.said(PaymentCaptured)) == 1


async def test_what_the_issuer_says_is_told_in_the_houses_words(billing: Billing):
    await billing.set_fee()
    expected: dict[UUID, DeclineReason] = {}
    for decline_code, reason in (
        ("insufficient_funds", DeclineReason.INSUFFICIENT_FUNDS),
        ("lost_card", DeclineReason.CARD_NOT_USABLE),
        ("expired_card", DeclineReason.CARD_NOT_USABLE),
        ("authentication_required", DeclineReason.AUTHENTICATION_REQUIRED),
        ("generic_decline", DeclineReason.DECLINED),
    ):
        patient = new_id()
        billing.world.issuer_says(await billing.save_card(patient), decline_code)
        await billing.hear(billing.complete(patient))
        expected[patient] = reason
    await billing.until_rest()

    declined = await billing.said(PaymentDeclined)
    assert {one.patient_id: one.reason for one in declined} == expected
    assert billing.money_taken() == []


async def test_no_card_on_file_is_a_decline_that_stripe_never_hears_of(billing: Billing):
    patient = new_id()
    await billing.set_fee()

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert charge["state"] == "declined"
    attempt, offered = charge["attempts"]
    assert offered["state"] == "offered"
    assert attempt["reason"] == "no_card_on_file"
    assert "Save a card and try again" in attempt["detail"]
    [declined] = await billing.said(PaymentDeclined)
    assert declined.reason is DeclineReason.NO_CARD_ON_FILE
    assert billing.at_stripe("payment_intents") == []
    answer = await billing.ask("POST", f"/charges/{charge['charge_id']}/attempts", {})
    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert violation["rule"] == "no_card_on_file"
    assert "POST /patients/…/card-setups" in violation["detail"]
    assert "POST /charges/…/outside-payments" in violation["detail"]


async def test_a_card_that_was_refused_for_good_is_not_tried_again(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    billing.world.issuer_says(await billing.save_card(patient), "stolen_card")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    answer = await billing.ask("POST", f"/charges/{charge['charge_id']}/attempts", {})

    assert answer.status_code == 409
    assert answer.json()["violations"][0]["rule"] == "card_not_usable"
    assert len(billing.at_stripe("payment_intents")) == 1


async def test_a_card_that_is_gone_at_stripe_is_a_decline(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.reset()  # another account, another book

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    [declined] = await billing.said(PaymentDeclined)
    assert declined.reason is DeclineReason.CARD_NOT_USABLE


async def test_of_two_tries_at_once_one_is_made(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, "insufficient_funds")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    billing.world.issuer_says(card, None)
    billing.world.fault("stripe", "slow", "POST /v1/payment_intents", ms=700)
    path = f"/charges/{(await billing.only_charge(patient))['charge_id']}/attempts"

    answers = await asyncio.gather(*(billing.ask("POST", path, {}) for _ in range(6)))
    await billing.until_rest()

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    refusals = {answer.json()["violations"][0]["rule"] for answer in answers if answer.is_error}
    assert refusals == {"attempt_under_way"}
    assert billing.money_taken() == [39900]
    again = await billing.ask("POST", path, {})
    assert again.json()["violations"][0]["rule"] == "charge_paid"


async def test_an_unknown_charge_is_not_found(billing: Billing):
    answer = await billing.ask("POST", f"/charges/{new_id()}/attempts", {})
    assert (answer.status_code, answer.json()["violations"][0]["rule"]) == (404, "unknown_charge")


async def test_a_try_that_stripe_takes_for_impossible_is_over_and_another_tender_pays(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee(amount_cents=10)
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert charge["state"] == "declined"
    tried = await billing.rows("SELECT decline_code FROM payment_attempts WHERE state = 'declined'")
    assert [one.decline_code for one in tried] == ["amount_too_small"]
    assert await billing.parked() == []
    cash = {"tender": "cash", "reference": "till 21", "amount_cents": 10}
    await billing.told("POST", f"/charges/{charge['charge_id']}/outside-payments", cash)
    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == []
