"""What is left of a prepaid package goes back at the price of a unit, once."""

from __future__ import annotations

from datetime import timedelta

from shared.events.billing import (
    RefundFailed,
    RefundIssued,
)
from tests.billing.conftest import Billing
from tests.billing.packages import (
    PRICE,
    bought_by_card,
    bought_in_cash,
    only_package,
    refund,
    treated,
)
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_split_tenders import approve


async def test_the_unused_rest_goes_back_to_its_card_at_the_price_of_a_unit(billing: Billing):
    patient = await bought_by_card(billing, price_cents=209999)
    await treated(billing, patient)
    purchase = (await only_package(billing, patient))["purchase_id"]
    rest = 209999 - 34999

    over = await refund(billing, purchase, rest + 1)
    assert over.json()["violations"][0]["rule"] == "not_in_units"
    asked = (await refund(billing, purchase, rest)).json()
    assert asked["entry"] == "refund", "above the limit a second person looks"
    assert (await approve(billing, asked["approval_id"])).status_code == 201
    await billing.until_rest()

    assert [one["amount"] for one in billing.at_stripe("refunds")] == [rest]
    [issued] = await billing.said(RefundIssued)
    assert (issued.tender, issued.charge_id, issued.amount_cents) == ("card", None, rest)
    package = await only_package(billing, patient)
    assert (package["used"], package["refunded"], package["left"]) == (1, 5, 0)
    assert await trial_balance(billing) == {"stripe_clearing": 34999, "revenue_infusion": 34999}
    nothing = await refund(billing, purchase, 34999)
    assert nothing.json()["violations"][0]["rule"] == "not_in_units"

    await treated(billing, patient)
    assert billing.money_taken() == [209999, 39900], "what went back pays no visit"


async def test_one_unit_goes_back_in_cash_and_the_others_stay(billing: Billing):
    patient = await bought_in_cash(billing)
    purchase = (await only_package(billing, patient))["purchase_id"]
    last = await refund(billing, purchase, 35001, reference="out 1")
    assert last.status_code == 201, last.text
    assert (await only_package(billing, patient))["left"] == 1
    await treated(billing, patient)
    assert [one["amount_cents"] for one in await billing.charges(patient)] == [35000]
    assert await trial_balance(billing) == {"cash": 35000, "revenue_infusion": 35000}


async def test_a_refund_that_the_bank_sends_back_leaves_its_units_to_use(billing: Billing):
    patient = await bought_by_card(billing, "pm_card_refundFail", units=2, price_cents=70000)
    purchase = (await only_package(billing, patient))["purchase_id"]
    await refund(billing, purchase, 35000)
    await billing.until_rest()
    assert (await only_package(billing, patient))["left"] == 1
    billing.step(timedelta(days=2))
    await billing.until_rest()

    assert len(await billing.said(RefundFailed)) == 1
    assert (await only_package(billing, patient))["left"] == 2
    found = await trial_balance(billing)
    assert (found["patient_credit"], found.get("refund_pending", 0)) == (70000, 0)


async def test_the_refund_of_a_visit_puts_it_back_into_its_package(billing: Billing):
    patient = await bought_in_cash(billing)
    await treated(billing, patient)
    [payment] = (await billing.only_charge(patient))["payments"]

    part = await refund(billing, payment["payment_id"], 100, reason="courtesy")
    assert part.json()["violations"][0]["rule"] == "not_in_units"
    named = await refund(billing, payment["payment_id"], 35000, reason="courtesy", reference="R-7")
    assert named.json()["violations"][0]["rule"] == "reference_is_ours"
    done = await refund(billing, payment["payment_id"], 35000, reason="courtesy")
    assert (done.json()["tender"], done.json()["state"]) == ("prepaid", "succeeded")
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "closed"
    assert (await only_package(billing, patient))["left"] == 2
    assert await trial_balance(billing) == {
        "cash": 70001,
        "patient_credit": 70001,
        "revenue_infusion": 35000,
        "refunds": 35000,
    }
    for _ in range(2):
        await treated(billing, patient)
    assert (await only_package(billing, patient))["left"] == 0
    assert billing.money_taken() == []


async def test_while_a_bank_doubts_a_package_it_pays_nothing_and_lost_it_is_over(
    billing: Billing,
):
    patient = await bought_by_card(billing, units=2, price_cents=70000)
    await treated(billing, patient)
    [charge] = billing.at_stripe("charges")
    dispute = billing.world.bank_disputes(charge["id"])
    await billing.until_rest()

    await treated(billing, patient)
    tenders = [one["tender"] for one in await billing.charges(patient)]
    assert tenders == ["prepaid", "card"], "the bank has the money"

    billing.world.bank_decides(dispute["id"], "lost")
    await billing.until_rest()
    assert await billing.parked() == []
    package = await only_package(billing, patient)
    assert (package["state"], package["left"]) == ("charged_back", 0)
    found = await trial_balance(billing)
    assert (found.get("patient_credit", 0), found["bad_debt"]) == (0, 35000)
    purchase = package["purchase_id"]
    assert (await refund(billing, purchase, 35000)).status_code == 409

    billing.world.bank_decides(dispute["id"], "reversed")
    await billing.until_rest()
    assert await billing.parked() == []
    package = await only_package(billing, patient)
    assert (package["state"], package["left"]) == ("paid", 1)
    found = await trial_balance(billing)
    assert (found["patient_credit"], found.get("bad_debt", 0)) == (35000, 0)
    assert (await refund(billing, purchase, 35000)).is_success


async def test_books_statement_and_stripe_tell_the_same_of_a_package(billing: Billing):
    patient = await bought_by_card(billing)
    await treated(billing, patient)
    purchase = (await only_package(billing, patient))["purchase_id"]
    await refund(billing, purchase, 35000)
    await billing.until_rest()

    path = f"/patients/{patient}/account?since=2026-11-01"
    account = (await billing.told("GET", path))["account"]
    assert [(one["kind"], one["words"], one["amount_cents"]) for one in account["entries"]] == [
        ("payment", "Payment by card", -PRICE),
        ("package", "Put into a prepaid package", PRICE),
        ("charge", account["entries"][2]["words"], 35000),
        ("package", "Taken from a prepaid package", -35000),
        ("package", "Taken from a prepaid package", -35000),
        ("refund", "Refund by card", 35000),
    ]
    assert (account["balance_cents"], account["charged_cents"]) == (0, 35000)
    assert account["packaged_cents"] == account["held_cents"] == PRICE - 70000
    aged = await billing.told("GET", "/reports/aged-receivables")
    assert aged["owed_cents"] == 0
    revenue = await billing.told("GET", "/reports/revenue?since=2026-11&until=2026-11")
    assert revenue["net_cents"] == 35000

    billing.step(timedelta(days=2))
    await reconciled(billing)
    assert await breaks(billing) == []
