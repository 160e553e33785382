"""Money that no charge waits for, of which a part goes back: the rest stays on the list."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.billing.handlers.payments.refunds import record_refund
from services.billing.rules.payments.refunds import RefundState
from services.billing.work import RefundStands
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_ledger import trial_balance
from tests.billing.test_notices import confirm_by_hand, declined_once, notice, post, taken_twice
from tests.billing.test_refunds import refund


@pytest.mark.parametrize("how", ["refunded", "returned"])
async def test_of_money_that_no_charge_waits_for_what_did_not_go_back_stays_on_the_list(
    billing: Billing, how: str
):
    patient = new_id()
    intent, _ = await taken_twice(billing, patient)
    [stray] = (await billing.told("GET", "/unmatched-payments"))["items"]

    await refund(billing, stray, amount_cents=10000, reason="nothing_owed")
    await billing.until_rest()
    [rest] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert rest["payment_id"] == stray["payment_id"]
    assert (rest["amount_cents"], rest["left_cents"]) == (39900, 29900)
    assert "$299.00" in rest["detail"]
    assert (await trial_balance(billing))["unmatched_money"] == 29900

    if how == "refunded":
        await refund(billing, stray, amount_cents=29900, reason="nothing_owed")
    else:
        path = f"/unmatched-payments/{intent['id']}/returned"
        for _ in range(2):  # the second one changes nothing
            await billing.told("POST", path, {})
    await billing.until_rest()
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    assert "unmatched_money" not in await trial_balance(billing)
    again = await refund(billing, stray, amount_cents=1, reason="nothing_owed")
    assert again.json()["violations"][0]["rule"] == "more_than_paid"


async def test_money_of_which_a_part_went_back_pays_no_charge_although_the_rest_did_not_arrive(
    billing: Billing,
):
    patient = new_id()
    card, intent, charge = await declined_once(billing, patient)
    path = f"/charges/{charge['charge_id']}"
    cash = {"tender": "cash", "reference": "till 7", "amount_cents": 39900}
    paid = await billing.told("POST", f"{path}/outside-payments", cash)
    await confirm_by_hand(billing, intent["id"], card)
    await billing.until_rest()
    [stray] = (await billing.told("GET", "/unmatched-payments"))["items"]
    await refund(billing, stray, amount_cents=10000, reason="nothing_owed")
    await billing.until_rest()
    rest = (await refund(billing, stray, amount_cents=29900, reason="nothing_owed")).json()
    await billing.until_rest()
    async with billing.service.runtime.work.transaction() as tx:  # the bank sends it back
        stands = RefundStands(
            refund_id=UUID(rest["refund_id"]),
            stripe_refund_id=None,
            state=RefundState.FAILED,
            failure="lost_or_stolen_card",
        )
        await record_refund(stands, tx)
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == 29900

    back = {"amount_cents": 39900, "reason": "taken_by_mistake", "reference": "till 8"}
    path = f"/payments/{paid['payment_id']}/refunds"
    answer = await billing.ask("POST", path, back, who="another")
    assert answer.json()["state"] == "succeeded", answer.text
    await post(billing, notice("payment_intent.succeeded", intent["id"], id="evt_once_more"))
    await billing.until_rest()
    found = await billing.only_charge(patient)
    assert (found["paid_cents"], found["state"]) == (0, "open")


async def test_what_a_bank_took_of_it_and_gives_back_after_all_is_on_the_list_again(
    billing: Billing,
):
    patient = new_id()
    intent, _ = await taken_twice(billing, patient)
    [taken] = [
        one
        for one in billing.at_stripe("charges")
        if one["payment_intent"] == intent["id"] and one["paid"]
    ]
    dispute = billing.world.bank_disputes(taken["id"])
    await billing.until_rest()
    billing.world.bank_decides(dispute["id"], "lost")
    await billing.until_rest()
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []

    billing.world.bank_decides(dispute["id"], "reversed")
    await billing.until_rest()

    assert await billing.parked() == []
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert (waits["left_cents"], waits["is_won_back"]) == (39900, False)
    assert (await trial_balance(billing))["unmatched_money"] == 39900
