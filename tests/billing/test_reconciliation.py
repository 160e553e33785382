"""The books against Stripe's own account of the money, whatever happened between the two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe
from sqlalchemy import text

from services.billing.rules.books import ledger
from services.billing.rules.books.reconciliation import next_round
from services.billing.store.ledger import post
from shared.auth import Role
from shared.events.billing import BooksReconciled
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.outside.stripe_calls import charge_params, save_card

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEE = 1187  # 2.9 % of $399.00, and 30 cents


async def reconciled(billing: Billing) -> dict[str, Any]:
    """Compare now; what came of it."""
    begun = await billing.told("POST", "/reconciliations", {})
    await billing.until_rest()
    runs = (await billing.told("GET", "/reconciliations"))["items"]
    found: dict[str, Any]
    [found] = [run for run in runs if run["reconciliation_id"] == begun["reconciliation_id"]]
    assert found["compared_at"] is not None
    assert await billing.parked() == []
    return found


async def breaks(billing: Billing, *, settled: bool = False) -> list[dict[str, Any]]:
    path = f"/reconciliation-breaks?settled={str(settled).lower()}"
    return list((await billing.told("GET", path))["items"])


async def accounts(billing: Billing) -> dict[str, int]:
    found = await billing.told("GET", "/ledger/accounts")
    assert found["debit_cents"] == found["credit_cents"]
    return {
        one["account"]: one["balance_cents"] for one in found["accounts"] if one["balance_cents"]
    }


async def pay_for_infusions(billing: Billing, count: int = 1) -> None:
    """Each of a patient's own, charged to their card."""
    await billing.set_fee()
    for _ in range(count):
        patient = new_id()
        await billing.save_card(patient)
        await billing.hear(billing.complete(patient))
    await billing.until_rest()


async def test_what_was_charged_is_what_stripe_holds_less_its_fees(billing: Billing):
    await pay_for_infusions(billing, 2)
    result = await reconciled(billing)
    assert (result["difference_cents"], result["breaks"]) == (0, 0)
    assert await accounts(billing) == {
        "stripe_clearing": 79800 - 2 * FEE,
        "stripe_fees": 2 * FEE,
        "revenue_infusion": 79800,
    }
    [told] = await billing.said(BooksReconciled)
    assert (told.breaks, told.booked_cents) == (0, told.held_cents)


async def test_a_fee_is_posted_once_however_often_the_books_are_compared(billing: Billing):
    await pay_for_infusions(billing)
    for _ in range(3):
        assert (await reconciled(billing))["breaks"] == 0
    assert (await accounts(billing))["stripe_fees"] == FEE


async def test_two_comparisons_side_by_side_post_once_and_agree(billing: Billing):
    await pay_for_infusions(billing, 2)
    for _ in range(2):
        await billing.told("POST", "/reconciliations", {})
    await billing.until_rest()
    runs = (await billing.told("GET", "/reconciliations"))["items"]
    assert [(run["breaks"], run["difference_cents"]) for run in runs] == [(0, 0), (0, 0)]
    assert (await accounts(billing))["stripe_fees"] == 2 * FEE
    assert await billing.parked() == []


async def test_a_payout_is_what_is_in_it_and_comes_to_the_bank(billing: Billing):
    await pay_for_infusions(billing, 2)
    for _ in range(6):
        billing.step(DAY)
        await billing.until_rest()
    [payout] = billing.at_stripe("payouts")
    assert payout["status"] == "paid"
    result = await reconciled(billing)
    assert (result["breaks"], result["found_cents"], result["booked_cents"]) == (0, 0, 0)
    assert (await accounts(billing))["bank"] == payout["amount"] == 79800 - 2 * FEE


async def test_the_books_are_compared_every_morning(billing: Billing):
    await pay_for_infusions(billing)
    billing.clock.step_to(next_round(billing.clock.now()))
    await billing.until_rest()
    billing.clock.step_to(next_round(billing.clock.now()))
    await billing.until_rest()
    runs = (await billing.told("GET", "/reconciliations"))["items"]
    assert len(runs) == 2
    assert {run["breaks"] for run in runs} == {0}


async def test_money_that_stripe_took_past_the_books_waits_for_a_person(
    billing: Billing, dashboard: stripe.StripeClient
):
    await pay_for_infusions(billing)
    customer, card = await save_card(dashboard)
    intent = await dashboard.v1.payment_intents.create_async(charge_params(customer, card))
    assert (await reconciled(billing))["breaks"] == 0, "its news may still be on its way"
    billing.step(2 * HOUR)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (1, 39900)
    [found] = await breaks(billing)
    assert (found["kind"], found["reference"]) == ("not_in_books", intent.id)
    assert (found["booked_cents"], found["found_cents"], found["age_days"]) == (0, 39900, 0)
    assert "$399.00" in found["detail"]

    billing.step(3 * DAY)
    await reconciled(billing)
    [older] = await breaks(billing)
    assert (older["break_id"], older["age_days"]) == (found["break_id"], 3)

    billing.step(40 * DAY)
    assert (await reconciled(billing))["breaks"] == 1, "it is older than the window by now"
    [oldest] = await breaks(billing)
    assert (oldest["break_id"], oldest["age_days"]) == (found["break_id"], 43)


async def test_a_balance_that_nothing_explains_grows_old_while_money_moves(billing: Billing):
    await pay_for_infusions(billing)
    async with billing.service.runtime.work.transaction() as tx:
        post(tx, ledger.payout("po_made_up", 700, tx.now))  # somebody's slip, past every payout
    await reconciled(billing)
    [found] = await breaks(billing)
    assert (found["kind"], found["found_cents"]) == ("balance_differs", 700)
    assert "$7.00" in found["detail"]

    billing.step(3 * DAY)
    await pay_for_infusions(billing)
    await reconciled(billing)
    [older] = await breaks(billing)
    assert (older["break_id"], older["age_days"]) == (found["break_id"], 3)


async def test_what_the_books_have_and_stripe_lost_waits_for_a_person(billing: Billing):
    await pay_for_infusions(billing)
    [kept] = await billing.rows("SELECT reference AS pi FROM payments")
    billing.world.begin()
    billing.step(DAY)
    result = await reconciled(billing)
    assert result["difference_cents"] == -39900
    [found] = await breaks(billing)
    assert (found["kind"], found["reference"]) == ("not_at_stripe", kept.pi)


async def test_a_break_that_was_settled_stays_settled_until_the_amounts_change(billing: Billing):
    await pay_for_infusions(billing)
    billing.world.begin()
    billing.step(DAY)
    await reconciled(billing)
    [found] = await breaks(billing)
    path = f"/reconciliation-breaks/{found['break_id']}/settle"
    note = "Stripe's support confirms; ticket MADE-UP-1"
    await billing.told("POST", path, {"note": note})
    await reconciled(billing)
    assert await breaks(billing) == []
    [kept] = await breaks(billing, settled=True)
    assert (kept["note"], kept["settled_by"]) == (note, "staff-1")
    sealed = await billing.rows("SELECT note FROM reconciliation_breaks")
    assert note.encode() not in bytes(sealed[0].note)

    again = await billing.ask("POST", path, {"note": "another word"})
    assert again.status_code == 409
    assert [one["rule"] for one in again.json()["violations"]] == ["break_settled"]


async def test_a_break_is_gone_when_both_sides_agree_again(billing: Billing):
    await pay_for_infusions(billing)
    [kept] = await billing.rows("SELECT reference FROM payments")

    async def comes_by(reference: str) -> None:
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(
                text("UPDATE payments SET reference = :reference"), {"reference": reference}
            )

    await comes_by("pi_elsewhere")
    billing.step(2 * DAY)
    assert (await reconciled(billing))["breaks"] == 2
    found = await breaks(billing)
    await comes_by(kept.reference)
    assert (await reconciled(billing))["breaks"] == 0
    assert await breaks(billing) == []
    late = await billing.ask(
        "POST", f"/reconciliation-breaks/{found[0]['break_id']}/settle", {"note": "too late"}
    )
    assert [one["rule"] for one in late.json()["violations"]] == ["break_gone"]


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_refundFail"])
async def test_what_went_back_and_what_came_back_again_agree_with_stripe(
    billing: Billing, card: str
):
    await billing.set_fee()
    patient = new_id()
    await billing.save_card(patient, card)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    payment = charge["payments"][0]["payment_id"]
    refund = {"amount_cents": 10000, "reason": "courtesy"}
    await billing.told("POST", f"/payments/{payment}/refunds", refund)
    billing.step(2 * DAY)
    await billing.until_rest()
    billing.step(2 * HOUR)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)


async def test_while_stripe_does_not_answer_nothing_is_compared(billing: Billing):
    await pay_for_infusions(billing)
    billing.world.fault(
        "stripe", "status_before", "GET /v1/balance_transactions", status=503, times=2
    )
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)


async def test_the_front_desk_neither_compares_nor_settles(billing: Billing):
    for method, path in (
        ("POST", "/reconciliations"),
        ("GET", "/reconciliation-breaks"),
        ("POST", f"/reconciliation-breaks/{new_id()}/settle"),
    ):
        answer = await billing.ask(method, path, {"note": "no"}, role=Role.FRONT_DESK)
        assert answer.status_code == 403


async def test_a_break_that_nobody_knows_is_said_to_be_unknown(billing: Billing):
    path = f"/reconciliation-breaks/{new_id()}/settle"
    assert (await billing.ask("POST", path, {"note": "which one?"})).status_code == 404
