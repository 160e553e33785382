"""Stripe is frozen for hours: the clinic goes on by other tenders, and nobody pays twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.rules.charges.attempts import SETTLES_WITHIN
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_ledger import trial_balance
from tests.billing.test_outside_payments import pay
from tests.billing.test_pay_links import url_of
from tests.billing.test_reconciliation import FEE, reconciled
from tests.billing.test_refunds import refund
from tests.support.eventually import eventually

HOURS = timedelta(hours=4)


async def charge_of(billing: Billing, patient: UUID) -> dict[str, Any]:
    return await billing.only_charge(patient) | {"patient_id": patient}


async def has_tried(billing: Billing, patient: UUID) -> None:
    """Wait until a try of a patient has been sent and was not answered."""

    async def tried() -> bool:
        rows = await billing.rows(
            "SELECT w.attempts FROM due_work AS w JOIN payment_attempts AS a"
            " ON w.key = 'capture:' || a.attempt_id JOIN charges AS c USING (charge_id)"
            " WHERE c.patient_id = :patient AND w.attempts > 0",
            patient=patient,
        )
        return bool(rows)

    await eventually(tried, within_s=20)


@pytest.mark.parametrize("how", ["frozen", "status_before"])
async def test_a_clinic_whose_stripe_is_frozen_takes_other_tenders_and_charges_nobody_twice(
    billing: Billing, how: str
):
    await billing.set_fee()
    by_card, stays_with_card, by_link, by_cash = (new_id() for _ in range(4))
    for patient in (by_card, stays_with_card):
        await billing.save_card(patient)
    appointment = await billing.book(by_cash)
    await billing.choose(appointment, by_cash, "cash")
    await billing.hear(billing.complete(by_link))
    await billing.until_rest()
    page = await url_of(billing, f"/charges/{(await charge_of(billing, by_link))['charge_id']}")

    frozen = billing.world.fault(
        "stripe", how, **({} if how == "frozen" else {"status": 503, "times": 1_000_000})
    )
    for patient in (by_card, stays_with_card):
        await billing.hear(billing.complete(patient))
        await has_tried(billing, patient)
    await billing.hear(billing.complete(by_cash, appointment_id=appointment))
    billing.step(HOURS)

    # whoever is at the counter pays otherwise
    waits = await charge_of(billing, by_card)
    refused = await pay(billing, waits)
    assert refused.json()["violations"][0]["rule"] == "attempt_under_way"
    assert "instead_of_card" in refused.json()["violations"][0]["detail"]
    part = await pay(billing, waits, amount_cents=100, instead_of_card=True)
    assert part.json()["violations"][0]["rule"] == "withdraws_all_or_nothing"
    assert (await pay(billing, waits, instead_of_card=True)).status_code == 201
    link = await charge_of(billing, by_link)
    assert (await pay(billing, link, tender="check", reference="Bank 17")).status_code == 201
    cash = await charge_of(billing, by_cash)
    assert (await pay(billing, cash, tender="cash", reference="till 4")).status_code == 201
    for patient in (by_card, by_link, by_cash):
        assert (await charge_of(billing, patient))["state"] == "paid"
    assert billing.money_taken() == []

    billing.world.take_back(frozen)
    billing.step(HOURS)
    await billing.until_rest(within_s=60)
    assert billing.world.patient_pays(page) >= 400

    assert billing.money_taken() == [39900]
    [intent] = [one for one in billing.at_stripe("payment_intents") if one["status"] == "succeeded"]
    kept = await charge_of(billing, stays_with_card)
    assert intent["metadata"]["attempt_id"] == kept["attempts"][0]["attempt_id"]
    [session] = billing.at_stripe("checkout_sessions")
    assert session["status"] == "expired"
    for patient in (by_card, stays_with_card, by_link, by_cash):
        charge = await charge_of(billing, patient)
        assert (charge["state"], len(charge["payments"])) == ("paid", 1)
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)


async def test_money_that_stripe_had_taken_before_it_froze_goes_back_to_who_paid_otherwise(
    billing: Billing,
):
    await billing.set_fee()
    patient = new_id()
    await billing.save_card(patient)
    await billing.until_rest()
    billing.world.fault("stripe", "lost_answer", "POST /v1/payment_intents")
    deaf = billing.world.fault("stripe", "status_before", "GET *", status=503, times=1_000_000)
    silent = billing.world.fault("stripe", "drop", "any", times=1_000_000)
    await billing.hear(billing.complete(patient))
    await eventually(lambda: len(billing.money_taken()) == 1)
    frozen = billing.world.fault("stripe", "frozen")
    charge = await charge_of(billing, patient)
    assert (await pay(billing, charge, instead_of_card=True)).status_code == 201
    billing.step(HOURS)

    for fault in (deaf, silent, frozen):
        billing.world.take_back(fault)
    billing.step(SETTLES_WITHIN)
    await billing.until_rest(within_s=60)

    assert (await charge_of(billing, patient))["state"] == "paid"
    [waiting] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert (waiting["amount_cents"], waiting["patient_id"]) == (39900, str(patient))
    back = await refund(billing, waiting, reason="nothing_owed")
    assert back.is_success, back.text
    await billing.until_rest()
    [taken] = billing.at_stripe("charges")
    assert (taken["amount"], taken["amount_refunded"]) == (39900, 39900)
    assert (await reconciled(billing))["breaks"] == 0
    assert await trial_balance(billing) == {
        "care_credit_clearing": 39900,
        "stripe_clearing": -FEE,
        "stripe_fees": FEE,
        "revenue_infusion": 39900,
    }
