"""A charge is paid in parts, each with its tender; what is given up of it has a reason."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.auth import Role
from shared.events.billing import (
    ChargeAdjusted,
    OutsidePaymentRecorded,
    PaymentCaptured,
    SuperbillIssued,
)
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_ledger import trial_balance
from tests.billing.test_outside_payments import pay, waiting_charge


async def adjust(billing: Billing, charge_id: str, cents: int, kind: str = "discount") -> Any:
    wish = {"kind": kind, "reason": "hardship", "amount_cents": cents}
    return await billing.ask("POST", f"/charges/{charge_id}/adjustments", wish)


async def approve(billing: Billing, approval_id: str, who: str = "staff-2") -> Any:
    return await billing.ask("POST", f"/approvals/{approval_id}/approve", {}, who=who)


async def test_cash_a_health_savings_card_and_the_card_on_file_pay_one_charge(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing, "cash")
    patient = charge["patient_id"]

    answer = await pay(billing, charge, tender="cash", reference="R-1", amount_cents=10000)
    assert answer.json()["owed_cents"] == 29900
    charge = await billing.only_charge(patient) | {"patient_id": patient}
    assert (charge["state"], charge["owed_cents"], charge["superbill_id"]) == (
        "partly_paid",
        29900,
        None,
    )
    await pay(billing, charge, tender="hsa_card", reference="T-9", amount_cents=9900)
    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {"amount_cents": 5000})
    await billing.until_rest()
    assert (await billing.only_charge(patient))["state"] == "partly_paid"
    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {})
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert (charge["state"], charge["paid_cents"], charge["owed_cents"]) == ("paid", 39900, 0)
    assert [(one["tender"], one["amount_cents"]) for one in charge["payments"]] == [
        ("cash", 10000),
        ("hsa_card", 9900),
        ("card", 5000),
        ("card", 15000),
    ]
    assert billing.money_taken() == [5000, 15000]
    captured = await billing.said(PaymentCaptured)
    assert [(one.amount_cents, one.owed_cents) for one in captured] == [(5000, 15000), (15000, 0)]
    outside = await billing.said(OutsidePaymentRecorded)
    assert [one.owed_cents for one in outside] == [29900, 20000]
    assert await trial_balance(billing) == {
        "cash": 10000,
        "terminal_clearing": 9900,
        "stripe_clearing": 20000,
        "revenue_infusion": 39900,
    }
    [issued] = await billing.said(SuperbillIssued)
    superbill = (await billing.told("GET", f"/superbills/{issued.superbill_id}"))["superbill"]
    assert [one["amount_cents"] for one in superbill["payments"]] == [10000, 9900, 5000, 15000]
    assert (superbill["total_cents"], superbill["balance_cents"]) == (39900, 0)


async def test_a_refused_card_leaves_what_was_paid_before(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing, "cash")
    await pay(billing, charge, tender="cash", reference="R-1", amount_cents=10000)
    await billing.save_card(charge["patient_id"], "pm_card_chargeCustomerFail")

    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {})
    await billing.until_rest()

    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["owed_cents"]) == ("partly_paid", 29900)


async def test_a_try_for_more_than_is_owed_is_refused(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    path = f"/charges/{charge['charge_id']}/attempts"

    answer = await billing.ask("POST", path, {"amount_cents": 39901})

    [violation] = answer.json()["violations"]
    assert violation["rule"] == "more_than_owed"
    assert "$399.00" in violation["detail"]


async def test_parts_that_come_at_once_never_pay_more_than_is_owed(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)

    answers = await asyncio.gather(
        *(
            pay(billing, charge, tender="cash", reference=f"R-{n}", amount_cents=10000)
            for n in range(10)
        )
    )

    assert sum(answer.status_code == 201 for answer in answers) == 3
    assert (await billing.only_charge(charge["patient_id"]))["paid_cents"] == 30000


async def test_a_discount_and_the_rest_in_cash_settle_a_charge_and_the_superbill_says_what_was_paid(
    billing: Billing,
):
    await billing.set_fee()
    charge = await waiting_charge(billing, "cash")

    assert (await adjust(billing, charge["charge_id"], 9900)).json()["owed_cents"] == 30000
    await pay(billing, charge, tender="cash", reference="R-1", amount_cents=30000)
    await billing.until_rest()

    assert (await billing.only_charge(charge["patient_id"]))["state"] == "paid"
    [adjusted] = await billing.said(ChargeAdjusted)
    assert (adjusted.amount_cents, adjusted.owed_cents) == (9900, 30000)
    [issued] = await billing.said(SuperbillIssued)
    assert issued.total_cents == 39900
    assert await trial_balance(billing) == {
        "cash": 30000,
        "discount": 9900,
        "revenue_infusion": 39900,
    }


async def test_a_charge_that_is_written_off_whole_is_closed_and_gets_no_superbill(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)

    asked = (await adjust(billing, charge["charge_id"], 39900, "write_off")).json()
    await approve(billing, asked["approval_id"])
    await billing.until_rest()

    assert (await billing.only_charge(charge["patient_id"]))["state"] == "closed"
    assert await billing.said(SuperbillIssued) == []
    again = await adjust(billing, charge["charge_id"], 1)
    assert again.json()["violations"][0]["rule"] == "charge_paid"
    assert await trial_balance(billing) == {"bad_debt": 39900, "revenue_infusion": 39900}


async def test_no_more_is_given_up_than_is_owed_and_only_by_a_biller(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)

    answer = await adjust(billing, charge["charge_id"], 39901)
    assert answer.json()["violations"][0]["rule"] == "more_than_owed"
    path = f"/charges/{new_id()}/adjustments"
    assert (await billing.ask("POST", path, {}, role=Role.FRONT_DESK)).status_code == 403
    wish = {"kind": "discount", "reason": "courtesy", "amount_cents": 1}
    assert (await billing.ask("POST", path, wish)).status_code == 404
