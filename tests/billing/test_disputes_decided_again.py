"""A bank that decides a dispute again and again is followed by the money that it moves."""

from __future__ import annotations

from typing import Any

import pytest

from services.billing.gateways.disputes import Disputes
from services.billing.handlers.disputes.following import look_at_dispute, record_dispute
from services.billing.rules.disputes.course import DisputeState, Moved
from services.billing.work import DisputeStands, LookAtDispute
from shared.events.billing import DisputeClosed
from tests.billing.conftest import Billing
from tests.billing.test_disputes import DAY, HOUR, decided, dispute_the_payment, disputed, only
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_refunds import paid_by_card, refund


@pytest.mark.parametrize("first", ["won", "lost"])
async def test_a_bank_is_followed_however_often_it_decides_otherwise(billing: Billing, first: str):
    dispute = await disputed(billing)
    await decided(billing, dispute, first)
    [said] = await billing.said(DisputeClosed)
    is_lost = first == "lost"
    for number in range(2, 6):
        await decided(billing, dispute, "reversed")
        is_lost = not is_lost

        found = await only(billing, closed=True)
        assert found["state"] == ("lost" if is_lost else "won")
        assert found["charged_back_cents"] == (39900 if is_lost else 0)
        charge = await billing.only_charge(said.patient_id)
        assert charge["owed_cents"] == (39900 if is_lost else 0)
        assert len(await billing.said(DisputeClosed)) == number
        books = await trial_balance(billing)
        assert books.get("patient_receivable", 0) == charge["owed_cents"]
        assert "dispute_hold" not in books
        billing.step(2 * HOUR)
        result = await reconciled(billing)
        assert (result["breaks"], result["difference_cents"]) == (0, 0)


@pytest.mark.parametrize("goes_back_first", [False, True])
async def test_what_waited_to_be_given_back_when_a_bank_took_all_again_is_given_back_once(
    billing: Billing, *, goes_back_first: bool
):
    dispute = await disputed(billing)
    await decided(billing, dispute, "lost")
    [lost] = await billing.said(DisputeClosed)
    charge = await billing.only_charge(lost.patient_id)
    wish = {"tender": "cash", "reference": "R-77", "amount_cents": 30000}
    await billing.told("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)
    await decided(billing, dispute, "reversed")
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == 30000
    if goes_back_first:
        back = await refund(billing, waits, amount_cents=30000, reason="nothing_owed")
        assert back.is_success, back.text
        await billing.until_rest()

    await decided(billing, dispute, "reversed")

    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    charge = await billing.only_charge(lost.patient_id)
    assert (charge["paid_cents"], charge["owed_cents"]) == (30000, 9900)
    books = await trial_balance(billing)
    assert {"unmatched_money", "refund_pending", "dispute_hold"} & set(books) == set()
    assert books.get("bad_debt", 0) == (30000 if goes_back_first else 0)

    await decided(billing, dispute, "reversed")

    charge = await billing.only_charge(lost.patient_id)
    assert (charge["state"], charge["paid_cents"], charge["owed_cents"]) == ("paid", 39900, 0)
    left = [
        one["left_cents"] for one in (await billing.told("GET", "/unmatched-payments"))["items"]
    ]
    assert left == ([] if goes_back_first else [30000])
    books = await trial_balance(billing)
    assert {"bad_debt", "patient_receivable", "dispute_hold"} & set(books) == set()
    billing.step(2 * HOUR)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)


async def test_a_refund_of_what_waited_that_fails_after_the_bank_took_all_again_is_not_made_again(
    billing: Billing,
):
    charge = await paid_by_card(billing, "pm_card_refundFail")
    dispute = await dispute_the_payment(billing)
    await decided(billing, dispute, "lost")
    wish = {"tender": "cash", "reference": "R-77", "amount_cents": 39900}
    await billing.told("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)
    await decided(billing, dispute, "reversed")
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    await billing.told(
        "POST",
        f"/payments/{waits['payment_id']}/refunds",
        {"amount_cents": 39900, "reason": "nothing_owed"},
    )
    await billing.until_rest()
    await decided(billing, dispute, "reversed")
    assert (await trial_balance(billing))["bad_debt"] == 39900

    billing.step(2 * DAY)  # the refund comes back
    await billing.until_rest()

    assert await billing.parked() == []
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    assert (await billing.told("GET", "/refunds/failed"))["items"] == []
    books = await trial_balance(billing)
    assert {"bad_debt", "unmatched_money", "refund_pending"} & set(books) == set()

    await decided(billing, dispute, "reversed")

    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == 39900
    [failed] = (await billing.told("GET", "/refunds/failed"))["items"]
    assert failed["undone"]
    assert (await trial_balance(billing))["unmatched_money"] == 39900


async def test_an_answer_that_is_older_than_what_has_moved_changes_nothing(billing: Billing):
    dispute = await disputed(billing)
    await decided(billing, dispute, "lost")
    gateway = billing.service.runtime.workers._calls._gateways[Disputes]  # asks as it does
    old = await look_at_dispute(LookAtDispute(stripe_dispute_id=dispute["id"]), gateway)
    await decided(billing, dispute, "reversed")

    async with billing.service.runtime.work.transaction() as tx:
        await record_dispute(old, tx)

    assert (await only(billing, closed=True))["state"] == "won"
    assert len(await billing.said(DisputeClosed)) == 2


async def test_a_decided_dispute_whose_money_does_not_follow_is_a_break_until_it_does(
    billing: Billing,
):
    dispute = await disputed(billing)
    [row] = await billing.rows("SELECT payment_intent_id FROM disputes")
    moment = billing.clock.now()
    stands = DisputeStands(
        stripe_dispute_id=dispute["id"],
        payment_intent_id=row.payment_intent_id,
        state=DisputeState.WON,
        reason="general",
        amount_cents=39900,
        opened_at=moment,
        due_at=None,
        movements=(Moved(dispute["balance_transactions"][0]["id"], -39900, moment),),
    )
    async with billing.service.runtime.work.transaction() as tx:
        await record_dispute(stands, tx)
    billing.step(2 * DAY)
    await reconciled(billing)
    [found] = await breaks(billing)
    assert (found["kind"], found["found_cents"]) == ("at_the_bank", 39900)
    assert "Ask Stripe" in found["detail"]

    await decided(billing, dispute, "won")
    await tell_of(billing, dispute)
    await reconciled(billing)
    assert await breaks(billing) == []


async def tell_of(billing: Billing, dispute: dict[str, Any]) -> None:
    async with billing.service.runtime.work.transaction() as tx:
        tx.do(LookAtDispute(stripe_dispute_id=dispute["id"]), key=f"look:{dispute['id']}")
    await billing.until_rest()
