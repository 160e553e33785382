"""Prepaid packages: offered, and paid ahead once, whatever pays."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.auth import Role
from shared.ids import new_id
from tests.billing.conftest import Billing, seen_by_stripe
from tests.billing.packages import (
    OFFER,
    PRICE,
    bought_by_card,
    bought_in_cash,
    buy,
    of_patient,
    offered,
    only_package,
    receipt_of,
    treated,
)
from tests.billing.test_care_credit_funding import entered, row
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_split_tenders import approve


async def test_a_repeated_click_buys_one_package(billing: Billing):
    patient, package = new_id(), await offered(billing)
    await billing.save_card(patient)
    key = str(new_id())
    first, again = [await buy(billing, patient, package, key=key) for _ in range(2)]
    assert first.json() == again.json()
    await billing.until_rest()
    assert billing.money_taken() == [PRICE]

    billing.world.fault("stripe", "hang", "POST /v1/payment_intents", seconds=60, works=False)
    answers = await asyncio.gather(*(buy(billing, patient, package) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    rules = {one.json()["violations"][0]["rule"] for one in answers if one.status_code == 409}
    assert rules == {"purchase_under_way"}


async def test_an_answer_that_is_lost_takes_the_money_once(billing: Billing):
    patient, package = new_id(), await offered(billing)
    await billing.save_card(patient)
    billing.world.fault("stripe", "status_after", "POST /v1/payment_intents", status=500)
    await buy(billing, patient, package)
    await billing.until_rest()

    assert billing.money_taken() == [PRICE]
    assert (await only_package(billing, patient))["state"] == "paid"
    assert await billing.parked() == []


async def test_a_refused_card_buys_nothing_and_another_purchase_may_follow(billing: Billing):
    patient = await bought_by_card(billing, "pm_card_chargeCustomerFail")
    package = await only_package(billing, patient)
    assert (package["state"], package["left"]) == ("declined", 0)
    assert package["detail"].startswith("Nothing was bought. ")
    assert await trial_balance(billing) == {}

    answer = await buy(billing, patient, package["package_id"], tender="check", reference="V 12")
    asked = answer.json()
    assert asked["entry"] == "package_payment", "above the limit a second person looks"
    assert (await approve(billing, asked["approval_id"])).status_code == 201
    assert [one["state"] for one in await of_patient(billing, patient)] == ["declined", "paid"]
    assert await trial_balance(billing) == {"checks": PRICE, "patient_credit": PRICE}


async def test_what_care_credit_pays_can_be_used_once_it_is_funded(billing: Billing):
    patient = new_id()
    package = await offered(billing, units=2, price_cents=70000, takes_care_credit=True)
    await buy(billing, patient, package, tender="care_credit", reference="CC-1")
    [waiting] = (await billing.told("GET", "/care-credit"))["items"]
    purchase = await only_package(billing, patient)
    assert (waiting["tender_id"], waiting["charge_id"]) == (purchase["purchase_id"], None)
    assert (purchase["state"], purchase["left"]) == ("pending", 0)
    assert await trial_balance(billing) == {}

    path = f"/care-credit/{waiting['tender_id']}"
    await billing.told("POST", f"{path}/confirm", {})
    await billing.told("POST", f"{path}/fund", {"fee_cents": 7000})

    assert (await only_package(billing, patient))["left"] == 2
    assert await trial_balance(billing) == {
        "bank": 63000,
        "care_credit_fees": 7000,
        "patient_credit": 70000,
    }


async def test_a_funding_report_brings_the_money_of_a_package(billing: Billing):
    patient = new_id()
    package = await offered(billing, units=2, price_cents=70000, takes_care_credit=True)
    await buy(billing, patient, package, tender="care_credit", reference="CC-1")
    line = row(reference="CC-1", gross_cents=70000, fee_cents=7000)

    assert (await entered(billing, line))["tied"] == 1

    assert (await only_package(billing, patient))["left"] == 2
    assert await trial_balance(billing) == {
        "bank": 63000,
        "care_credit_fees": 7000,
        "patient_credit": 70000,
    }
    billing.step(timedelta(days=5))
    await reconciled(billing)
    assert await breaks(billing) == []


async def test_what_care_credit_rejects_was_never_bought(billing: Billing):
    patient = new_id()
    package = await offered(billing, units=2, price_cents=70000, takes_care_credit=True)
    await buy(billing, patient, package, tender="care_credit", reference="CC-1")
    purchase = await only_package(billing, patient)
    await billing.told(
        "POST", f"/care-credit/{purchase['purchase_id']}/reject", {"why": "declined"}
    )

    purchase = await only_package(billing, patient)
    assert (purchase["state"], purchase["reason"]) == ("declined", "care_credit_rejected")
    assert "another tender" in purchase["detail"]
    assert await trial_balance(billing) == {}


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        ({"units": 6, "price_cents": 239401}, "dearer_than_visits", "price_cents"),
        ({"visit_type": "ketamine_pain"}, "no_fee_for_visit_type", "visit_type"),
        ({"effective_from": "2029-01-01"}, "package_far_ahead", "effective_from"),
    ],
)
async def test_an_offer_that_does_not_fit_says_what_would(
    billing: Billing, changes: dict[str, Any], rule: str, field: str
):
    await billing.set_fee()
    answer = await billing.ask("POST", "/packages", OFFER | changes, role=Role.OPS)
    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == (rule, field)
    assert violation["source"]


async def test_a_package_is_offered_listed_and_ended_by_who_may(billing: Billing):
    assert (await billing.ask("POST", "/packages", OFFER)).status_code == 403
    package = await offered(billing)
    await billing.ask("POST", f"/packages/{package}/end", {}, role=Role.OPS)
    [listed] = (await billing.told("GET", "/packages"))["items"]
    assert (listed["units"], listed["price_cents"], listed["ended_by"]) == (6, PRICE, "staff-1")

    answer = await buy(billing, new_id(), package, tender="cash", reference="R-1")
    rules = {one["rule"] for one in answer.json()["violations"]}
    assert rules == {"package_not_on_sale"}
    unknown = await buy(billing, new_id(), str(new_id()))
    assert unknown.status_code == 404
    assert unknown.json()["violations"][0]["rule"] == "unknown_package"
    nobody = await billing.ask("POST", f"/packages/{new_id()}/end", {}, role=Role.OPS)
    assert nobody.status_code == 404


async def test_no_card_is_charged_for_a_package_without_its_patients_word_or_under_a_hold(
    billing: Billing,
):
    patient, package = new_id(), await offered(billing)
    await billing.save_card(patient, agrees=False)
    silent = await buy(billing, patient, package)
    assert silent.json()["violations"][0]["rule"] == "no_card_on_file"

    await billing.save_card(patient)
    hold = {"patient_id": str(patient), "reason": "hardship"}
    await billing.told("POST", "/collections/holds", hold)
    held = await buy(billing, patient, package)
    assert held.json()["violations"][0]["rule"] == "collections_held"
    await billing.until_rest()
    assert billing.money_taken() == []


async def test_a_receipt_pays_one_package(billing: Billing):
    patient = await bought_in_cash(billing)
    package = (await only_package(billing, patient))["package_id"]
    answer = await buy(
        billing, new_id(), package, tender="cash", reference=receipt_of(patient).lower()
    )
    assert answer.json()["violations"][0]["rule"] == "reference_used"


async def test_a_package_of_another_patient_pays_nothing(billing: Billing):
    patient = await bought_in_cash(billing)
    other = new_id()
    await billing.save_card(other)
    await treated(billing, other)
    assert (await billing.only_charge(other))["tender"] == "card"
    assert (await only_package(billing, patient))["left"] == 2


async def test_nobody_chooses_or_records_a_package_by_hand(billing: Billing):
    patient = await bought_in_cash(billing)
    appointment = await billing.book(patient)
    chosen = await billing.choose(appointment, patient, "prepaid")
    assert chosen.json()["violations"][0]["rule"] == "prepaid_by_itself"
    other = new_id()
    await treated(billing, other)
    charge = await billing.only_charge(other)
    wish = {"tender": "prepaid", "reference": "R-1", "amount_cents": 39900}
    answer = await billing.ask("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)
    assert answer.json()["violations"][0]["rule"] == "tender_not_outside"


async def test_stripe_learns_ids_and_amounts_of_a_package_and_no_more(billing: Billing):
    patient = await bought_by_card(billing)
    known = seen_by_stripe(billing.world)
    assert "ketamine" not in known
    [intent] = billing.at_stripe("payment_intents")
    purchase = (await only_package(billing, patient))["purchase_id"]
    assert intent["metadata"] == {"attempt_id": purchase}
