"""What waits to be given back pays its charge as soon as that is owed again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.events.billing import WaitingMoneyApplied
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_care_credit import step
from tests.billing.test_disputes import decided, dispute_the_payment
from tests.billing.test_ledger import trial_balance
from tests.billing.test_notices import confirm_by_hand, declined_once
from tests.billing.test_outside_payments import pay
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_refunds import paid_by_card, refund
from tests.billing.test_split_tenders import approve


async def won_back(billing: Billing, tender: str, cents: int) -> dict[str, Any]:
    """A charge that was paid otherwise while its bank had the money, which came back."""
    charge = await paid_by_card(billing)
    dispute = await dispute_the_payment(billing)
    await decided(billing, dispute, "lost")
    paid = await pay(billing, charge, tender=tender, reference="R-77", amount_cents=cents)
    assert paid.is_success, paid.text
    await decided(billing, dispute, "reversed")
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == cents
    return charge


async def agrees_with_stripe(billing: Billing) -> None:
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    assert await breaks(billing) == []


@pytest.mark.parametrize(("cash", "again", "left"), [(39900, 10000, 29900), (20000, 20000, 0)])
async def test_what_a_bank_gave_back_pays_what_another_tender_does_not_any_more(
    billing: Billing, cash: int, again: int, left: int
):
    charge = await won_back(billing, "cash", cash)
    found = await billing.only_charge(charge["patient_id"])
    [paid] = [one for one in found["payments"] if one["tender"] == "cash"]

    back = await refund(billing, paid, amount_cents=again, reason="other_tender", reference="out 1")
    assert back.is_success, back.text
    await billing.until_rest()

    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("paid", 39900, 0)
    [said] = await billing.said(WaitingMoneyApplied)
    assert (said.amount_cents, said.owed_cents) == (again, 0)
    waits = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert [one["left_cents"] for one in waits] == ([left] if left else [])
    assert (await trial_balance(billing)).get("unmatched_money", 0) == left
    assert billing.at_stripe("checkout_sessions") == []
    await agrees_with_stripe(billing)


async def test_a_payment_that_is_given_back_itself_does_not_pay_again(billing: Billing):
    charge = await won_back(billing, "cash", 20000)
    back = await refund(billing, charge["payment"], amount_cents=19900, reason="other_tender")
    assert back.is_success, back.text
    await billing.until_rest()
    found = await billing.only_charge(charge["patient_id"])
    assert (found["paid_cents"], found["owed_cents"]) == (20000, 19900)
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == 20000


async def test_what_care_credit_rejects_is_paid_by_what_the_bank_gave_back(billing: Billing):
    charge = await won_back(billing, "care_credit", 39900)
    [waiting] = (await billing.told("GET", "/care-credit"))["items"]
    rejected = await step(billing, waiting["tender_id"], "reject", why="declined")
    assert rejected.is_success, rejected.text
    await billing.until_rest()
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("paid", 39900, 0)
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    books = await trial_balance(billing)
    assert {"unmatched_money", "care_credit_clearing", "patient_receivable"} & set(books) == set()
    await agrees_with_stripe(billing)


async def stray(billing: Billing) -> tuple[dict[str, Any], dict[str, Any]]:
    """A charge that was paid in cash while Stripe took the money for a refused try; the cash."""
    patient = new_id()
    card, intent, charge = await declined_once(billing, patient)
    cash = await pay(billing, charge, tender="cash", reference="till 7", amount_cents=39900)
    assert cash.is_success, cash.text
    await confirm_by_hand(billing, intent["id"], card)
    await billing.until_rest()
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == 39900
    return charge | {"patient_id": patient}, cash.json() | {"amount_cents": 39900}


async def test_what_stripe_took_beside_a_charge_pays_it_once_it_is_owed_again(billing: Billing):
    charge, cash = await stray(billing)
    back = await refund(
        billing, cash, reason="taken_by_mistake", reference="till 8", amount_cents=20000
    )
    assert back.is_success, back.text
    await billing.until_rest()
    assert (await billing.only_charge(charge["patient_id"]))["owed_cents"] == 20000, "not whole"
    back = await refund(
        billing, cash, reason="taken_by_mistake", reference="till 9", amount_cents=19900
    )
    assert back.is_success, back.text
    await billing.until_rest()
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("paid", 39900, 0)
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    await agrees_with_stripe(billing)


async def test_what_a_bank_gave_back_of_it_pays_what_is_owed_by_then(billing: Billing):
    charge, cash = await stray(billing)
    [taken] = [one for one in billing.at_stripe("charges") if one["paid"]]
    dispute = billing.world.bank_disputes(taken["id"])
    await billing.until_rest()
    await decided(billing, dispute, "lost")
    back = await billing.ask(
        "POST",
        f"/payments/{cash['payment_id']}/refunds",
        {"amount_cents": 39900, "reason": "taken_by_mistake", "reference": "till 8"},
    )
    if "approval_id" in back.json():
        await approve(billing, back.json()["approval_id"])
    await billing.until_rest()
    assert (await billing.only_charge(charge["patient_id"]))["owed_cents"] == 39900

    await decided(billing, dispute, "reversed")

    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("paid", 39900, 0)
    assert "unmatched_money" not in await trial_balance(billing)
    await agrees_with_stripe(billing)
