"""A hold stops what is on its way already: a try that Stripe has not had yet, and any page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_frozen import charge_of, has_tried
from tests.billing.test_pay_links import url_of
from tests.support.eventually import eventually

UNREACHABLE: dict[str, Any] = {"status": 503, "times": 1_000_000}


async def hold(billing: Billing, patient: UUID, **of: str) -> str:
    wish = {"patient_id": str(patient), "reason": "estimate_dispute"} | of
    return str((await billing.told("POST", "/collections/holds", wish))["hold_id"])


async def end(billing: Billing, hold_id: str) -> None:
    await billing.told("POST", f"/collections/holds/{hold_id}/end", {})


@pytest.mark.parametrize("whose", ["charge", "patient"])
async def test_a_try_that_stripe_has_not_had_yet_is_not_sent_under_a_hold_and_is_made_after_it(
    billing: Billing, whose: str
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    away = billing.world.fault("stripe", "status_before", **UNREACHABLE)
    await billing.hear(billing.complete(patient))
    await has_tried(billing, patient)
    charge = await charge_of(billing, patient)
    of = {"charge_id": charge["charge_id"]} if whose == "charge" else {}
    hold_id = await hold(billing, patient, **of)

    billing.world.take_back(away)
    await billing.until_rest(within_s=60)
    assert billing.money_taken() == []
    [tried] = (await charge_of(billing, patient))["attempts"]
    assert tried["state"] == "abandoned"

    await end(billing, hold_id)
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    assert (await charge_of(billing, patient))["state"] == "paid"
    assert await billing.parked() == []


async def test_money_that_stripe_had_before_the_hold_is_found_under_it_and_pays_its_charge(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.until_rest()
    billing.world.fault("stripe", "lost_answer", "POST /v1/payment_intents")
    away = billing.world.fault("stripe", "status_before", "GET *", **UNREACHABLE)
    silent = billing.world.fault("stripe", "drop", "any", times=1_000_000)
    await billing.hear(billing.complete(patient))
    await eventually(lambda: len(billing.money_taken()) == 1)
    hold_id = await hold(billing, patient)

    for fault in (away, silent):
        billing.world.take_back(fault)
    await billing.until_rest(within_s=60)
    assert (await charge_of(billing, patient))["state"] == "paid"
    await end(billing, hold_id)
    billing.step(timedelta(days=1))
    await billing.until_rest()
    assert billing.money_taken() == [39900]


async def test_a_page_that_the_desk_had_sent_is_closed_by_a_hold(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    appointment = await billing.book(patient)
    await billing.choose(appointment, patient, "cash")
    await billing.hear(billing.complete(patient, appointment_id=appointment))
    await billing.until_rest()
    charge = await charge_of(billing, patient)
    path = f"/charges/{charge['charge_id']}"
    await billing.told("POST", f"{path}/pay-links", {})
    await billing.until_rest()
    page = await url_of(billing, path)

    hold_id = await hold(billing, patient)
    await billing.until_rest()
    assert billing.world.patient_pays(page) >= 400
    assert billing.money_taken() == []
    await end(billing, hold_id)
    await billing.until_rest()
    assert await billing.parked() == []
