"""A refund on its way and a bank that takes the same money: the patient has it once."""

from __future__ import annotations

from datetime import timedelta

from tests.billing.conftest import Billing
from tests.billing.test_disputes import decided, dispute_the_payment
from tests.billing.test_ledger import trial_balance
from tests.billing.test_refunds import paid_by_card, refund


async def test_what_a_bank_took_while_a_refund_was_on_its_way_is_not_given_back_again(
    billing: Billing,
):
    charge = await paid_by_card(billing, "pm_card_refundFail")
    await refund(billing, charge["payment"])
    await billing.until_rest()
    await decided(billing, await dispute_the_payment(billing), "lost")
    assert (await trial_balance(billing))["bad_debt"] == 39900

    billing.step(timedelta(days=2))  # the refund comes back
    await billing.until_rest()

    assert await billing.parked() == []
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("closed", 0, 0)
    books = await trial_balance(billing)
    assert {"bad_debt", "refund_pending", "patient_receivable"} & set(books) == set()
    assert (await billing.told("GET", "/refunds/failed"))["items"] == []
    again = await refund(billing, charge["payment"])
    assert again.json()["violations"][0]["rule"] == "more_than_paid"


async def test_what_the_bank_gives_back_after_all_is_a_failed_refund_for_a_person(
    billing: Billing,
):
    charge = await paid_by_card(billing, "pm_card_refundFail")
    await refund(billing, charge["payment"])
    await billing.until_rest()
    dispute = await dispute_the_payment(billing)
    await decided(billing, dispute, "lost")
    billing.step(timedelta(days=2))  # the refund comes back
    await billing.until_rest()
    assert (await billing.told("GET", "/refunds/failed"))["items"] == []

    await decided(billing, dispute, "reversed")

    [failed] = (await billing.told("GET", "/refunds/failed"))["items"]
    assert (failed["amount_cents"], failed["undone"]) == (39900, True)
    assert "counts them as paid again" in failed["detail"]
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("paid", 39900, 0)
    books = await trial_balance(billing)
    assert {"bad_debt", "refund_pending", "refunds", "dispute_hold"} & set(books) == set()
    again = await refund(billing, charge["payment"])
    assert again.is_success, again.text
