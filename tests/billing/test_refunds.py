"""Refunds: back to the tender that the money came by, and never more than came."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.payments.refunds import RefundState, RefundStep, step
from shared.events.billing import RefundFailed, RefundIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_ledger import trial_balance
from tests.billing.test_outside_payments import pay, waiting_charge
from tests.billing.test_reconciliation import breaks, reconciled


async def paid_by_card(billing: Billing, card: str = "pm_card_visa") -> dict[str, Any]:
    """A charge that a card has paid, and its payment."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient, card)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    return charge | {"patient_id": patient, "payment": charge["payments"][0]}


async def refund(billing: Billing, payment: dict[str, Any], **changes: Any) -> Any:
    wish = {"amount_cents": payment["amount_cents"], "reason": "service_problem"} | changes
    return await billing.ask("POST", f"/payments/{payment['payment_id']}/refunds", wish)


async def without_fees(billing: Billing) -> dict[str, int]:
    """The accounts as they are before the morning's comparison posts Stripe's fees."""
    found = await trial_balance(billing)
    found["stripe_clearing"] += found.pop("stripe_fees", 0)
    return found


def given_back(billing: Billing) -> list[tuple[int, str]]:
    """What Stripe gave back, and how each stands."""
    return [(one["amount"], one["status"]) for one in billing.at_stripe("refunds")]


async def test_a_part_of_a_card_payment_goes_back_to_its_card_and_the_charge_stays_paid(
    billing: Billing,
):
    charge = await paid_by_card(billing)

    answer = await refund(billing, charge["payment"], amount_cents=10000)
    assert answer.json()["state"] == "pending"
    await billing.until_rest()

    assert given_back(billing) == [(10000, "succeeded")]
    [issued] = await billing.said(RefundIssued)
    assert (issued.amount_cents, issued.owed_cents, issued.charge_id) == (
        10000,
        0,
        UUID(charge["charge_id"]),
    )
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["forgiven_cents"]) == ("paid", 29900, 10000)
    assert found["payments"][0]["refunded_cents"] == 10000
    assert await trial_balance(billing) == {
        "stripe_clearing": 29900,
        "refunds": 10000,
        "revenue_infusion": 39900,
    }


async def test_what_another_tender_will_pay_is_owed_again(billing: Billing):
    charge = await paid_by_card(billing)

    await refund(billing, charge["payment"], reason="other_tender")
    await billing.until_rest()

    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["owed_cents"]) == ("open", 39900)
    await pay(billing, charge)
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "paid"
    assert await trial_balance(billing) == {
        "care_credit_clearing": 39900,
        "revenue_infusion": 39900,
    }


async def test_cash_goes_back_in_cash_with_its_receipt(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing, "cash")
    await pay(billing, charge, tender="cash", reference="R-1")
    [payment] = (await billing.only_charge(charge["patient_id"]))["payments"]

    missing = await refund(billing, payment)
    assert missing.json()["violations"][0]["rule"] == "reference_missing"
    done = await refund(billing, payment, reference="out 7")
    assert (done.json()["state"], done.json()["reference"]) == ("succeeded", "OUT-7")

    assert (await billing.only_charge(charge["patient_id"]))["state"] == "closed"
    assert billing.at_stripe("refunds") == []
    assert await trial_balance(billing) == {"refunds": 39900, "revenue_infusion": 39900}


@pytest.mark.parametrize("cents", [True, "10000", 10000.5])
async def test_what_only_resembles_an_amount_is_refused(billing: Billing, cents: object):
    charge = await paid_by_card(billing)
    answer = await refund(billing, charge["payment"], amount_cents=cents)
    assert answer.status_code == 422
    await billing.until_rest()
    assert given_back(billing) == []


@pytest.mark.parametrize(
    ("changes", "rule", "says"),
    [
        ({"amount_cents": 39901}, "more_than_paid", "$399.00"),
        ({"tender": "cash"}, "refund_to_another_tender", "paid by card"),
        ({"currency": "EUR"}, "wrong_currency", "USD"),
        ({"reason": "nothing_owed"}, "reason_does_not_fit", "why"),
        ({"reason": "made_at_stripe"}, "reason_is_stripes", "why"),
        ({"reference": "R-1"}, "reference_is_stripes", "Leave the reference out"),
    ],
)
async def test_a_refund_that_does_not_fit_is_refused_with_what_would(
    billing: Billing, changes: dict[str, Any], rule: str, says: str
):
    charge = await paid_by_card(billing)

    answer = await refund(billing, charge["payment"], **changes)

    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert violation["rule"] == rule
    assert says in violation["detail"]
    assert violation["source"]
    assert await billing.rows("SELECT refund_id FROM refunds") == []


async def test_a_payment_that_is_not_on_record_is_not_refunded(billing: Billing):
    answer = await refund(billing, {"payment_id": new_id(), "amount_cents": 1})
    assert answer.status_code == 404


async def test_twenty_who_refund_at_once_give_back_no_more_than_was_paid(billing: Billing):
    charge = await paid_by_card(billing)

    answers = await asyncio.gather(
        *(refund(billing, charge["payment"], amount_cents=5000) for _ in range(20))
    )
    await billing.until_rest()

    assert sum(answer.status_code == 201 for answer in answers) == 7
    assert given_back(billing) == [(5000, "succeeded")] * 7
    assert (await billing.only_charge(charge["patient_id"]))["paid_cents"] == 4900


async def test_the_database_gives_back_no_more_than_was_paid_whoever_writes(billing: Billing):
    charge = await paid_by_card(billing)
    with pytest.raises(DBAPIError, match="ck_payments_refunded"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(
                text("UPDATE payments SET refunded_cents = 39901 WHERE payment_id = :payment_id"),
                {"payment_id": charge["payment"]["payment_id"]},
            )


async def test_an_answer_that_is_lost_gives_the_money_back_once(billing: Billing):
    charge = await paid_by_card(billing)
    billing.world.fault("stripe", "status_after", "POST /v1/refunds", status=500)

    await refund(billing, charge["payment"])
    await billing.until_rest()

    assert given_back(billing) == [(39900, "succeeded")]
    assert len(await billing.said(RefundIssued)) == 1


async def test_a_refund_is_pending_until_stripe_says_that_it_succeeded(billing: Billing):
    charge = await paid_by_card(billing, "pm_card_pendingRefund")

    await refund(billing, charge["payment"])
    await billing.until_rest()
    assert await billing.said(RefundIssued) == []
    [pending] = (await billing.told("GET", f"/patients/{charge['patient_id']}/refunds"))["items"]
    assert pending["state"] == "pending"
    gone = {"refunds": 39900, "revenue_infusion": 39900}
    assert await trial_balance(billing) == gone, "Stripe takes it from its balance at once"

    billing.step(timedelta(hours=2))
    await billing.until_rest()
    assert len(await billing.said(RefundIssued)) == 1
    assert await trial_balance(billing) == gone


async def test_a_refund_that_the_bank_sends_back_is_put_back_and_seen_by_a_person(
    billing: Billing,
):
    charge = await paid_by_card(billing, "pm_card_refundFail")
    await refund(billing, charge["payment"])
    await billing.until_rest()
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "closed"

    billing.step(timedelta(days=2))
    await billing.until_rest()

    [failed] = await billing.said(RefundFailed)
    assert failed.amount_cents == 39900
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["payments"][0]["refunded_cents"]) == ("paid", 0)
    assert await without_fees(billing) == {"stripe_clearing": 39900, "revenue_infusion": 39900}
    [lost] = (await billing.told("GET", "/refunds/failed"))["items"]
    assert "refund once more" in lost["detail"]
    await billing.told("POST", f"/refunds/{lost['refund_id']}/handled", {})
    assert (await billing.told("GET", "/refunds/failed"))["items"] == []


async def test_what_fails_to_go_back_after_another_tender_paid_is_owed_to_the_patient(
    billing: Billing,
):
    charge = await paid_by_card(billing, "pm_card_refundFail")
    await refund(billing, charge["payment"], reason="other_tender")
    await billing.until_rest()
    await pay(billing, charge)

    billing.step(timedelta(days=2))
    await billing.until_rest()

    assert (await billing.only_charge(charge["patient_id"]))["state"] == "paid"
    assert await without_fees(billing) == {
        "stripe_clearing": 39900,
        "care_credit_clearing": 39900,
        "refund_pending": 39900,
        "revenue_infusion": 39900,
    }
    [lost] = (await billing.told("GET", "/refunds/failed"))["items"]
    assert (lost["undone"], "owes them" in lost["detail"]) == (False, True)


async def test_a_refund_that_stripe_refuses_fails_and_says_why(billing: Billing):
    charge = await paid_by_card(billing)
    billing.world.fault("stripe", "drop", "any", times=100)
    await billing.http.post(
        f"{billing.world.stripe_url}/v1/refunds",
        data={"payment_intent": charge["payment"]["reference"]},
        headers={"Authorization": "Bearer sk_test_made_up_for_tests"},
    )

    await refund(billing, charge["payment"])
    await billing.until_rest()

    [row] = await billing.rows("SELECT state, failure FROM refunds")
    assert (row.state, row.failure) == ("failed", "charge_already_refunded")
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "paid"

    billing.step(timedelta(hours=2))  # Stripe's list of events tells what no webhook told
    await billing.until_rest()
    states = await billing.rows("SELECT state FROM refunds ORDER BY asked_at")
    assert [row.state for row in states] == ["failed", "succeeded"]
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "closed"


async def test_a_refund_goes_one_way(billing: Billing):
    charge = await paid_by_card(billing)
    await refund(billing, charge["payment"])
    await billing.until_rest()
    with pytest.raises(DBAPIError, match="does not go from succeeded to pending"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(
                text("UPDATE refunds SET state = 'pending', decided_at = NULL")
            )


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail"])
async def test_what_went_back_ties_with_stripes_own_account_of_the_money(
    billing: Billing, card: str
):
    charge = await paid_by_card(billing, card)
    await refund(billing, charge["payment"], amount_cents=10000)
    await billing.until_rest()
    await reconciled(billing)
    assert await breaks(billing) == []

    billing.step(timedelta(days=2))
    await billing.until_rest()
    await reconciled(billing)
    assert await breaks(billing) == []


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("state", RefundState)
@pytest.mark.parametrize("news", RefundState)
def test_news_of_a_refund_goes_one_way_and_a_late_answer_changes_nothing(
    state: RefundState, news: RefundState, *, is_known: bool
):
    pending, succeeded, failed = RefundState
    takes = {(pending, succeeded), (pending, failed), (succeeded, failed)}
    denied = (state, news) == (failed, succeeded) and not is_known
    found = step(state, news, is_known=is_known)
    assert (found is RefundStep.TAKE) == ((state, news) in takes)
    assert (found is RefundStep.CONTRADICTS) == denied
