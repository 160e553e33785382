"""A cardholder's bank doubts a payment: followed to its end, posted, and never collected over."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.disputes.course import (
    CLOSED,
    DECIDED,
    LOOK_AGAIN_AFTER,
    DisputeState,
    loss_of,
    moves_on,
)
from services.billing.rules.notices import CATCH_UP_EVERY
from shared.auth import Role
from shared.events.billing import DisputeClosed, DisputeUnanswered, PaymentCaptured, PaymentDisputed
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import FEE, breaks, pay_for_infusions, reconciled
from tests.billing.test_refunds import refund
from tests.support.eventually import eventually

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DISPUTE_FEE = 1500


async def disputed(billing: Billing, **doubts: Any) -> dict[str, Any]:
    """A paid infusion that the cardholder's bank doubts; Stripe's dispute."""
    await pay_for_infusions(billing)
    return await dispute_the_payment(billing, **doubts)


async def dispute_the_payment(billing: Billing, **doubts: Any) -> dict[str, Any]:
    [charge] = [one for one in billing.at_stripe("charges") if not one["disputed"]]
    dispute = billing.world.bank_disputes(charge["id"], **doubts)
    await billing.until_rest()
    assert await billing.parked() == []
    return dispute


async def decided(billing: Billing, dispute: dict[str, Any], outcome: str) -> None:
    billing.world.bank_decides(dispute["id"], outcome)
    await billing.until_rest()
    assert await billing.parked() == []


async def only(billing: Billing, *, closed: bool = False) -> dict[str, Any]:
    found = await billing.told("GET", f"/disputes?closed={str(closed).lower()}")
    dispute: dict[str, Any]
    [dispute] = found["items"]
    return dispute


async def open_holds(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/collections/holds"))["items"])


# The rules


def test_a_dispute_goes_one_way_whatever_order_its_news_comes_in():
    for order in permutations([state for state in DisputeState if state is not DisputeState.LOST]):
        state = order[0]
        for news in order[1:]:
            if moves_on(state, news):
                state = news
        assert state is DisputeState.WON


def test_a_bank_that_decides_otherwise_afterwards_reverses_its_decision():
    assert moves_on(DisputeState.WON, DisputeState.LOST)
    assert moves_on(DisputeState.LOST, DisputeState.WON)
    for state in DECIDED:
        assert not moves_on(state, state)
        assert not moves_on(state, DisputeState.UNDER_REVIEW)
    assert moves_on(DisputeState.INQUIRY_CLOSED, DisputeState.NEEDS_RESPONSE)
    assert DECIDED < CLOSED


@given(*[st.integers(0, 100_000)] * 3)
def test_what_is_lost_is_owed_again_as_far_as_it_was_paid_and_not_a_cent_more(
    held: int, paid: int, waits: int
):
    loss = loss_of(held, still_paid_cents=paid, waits_cents=waits)
    assert loss.waited_cents + loss.owed_again_cents + loss.beyond_cents == held
    assert loss.waited_cents == min(held, waits)
    assert 0 <= loss.owed_again_cents <= paid


# A chargeback


async def test_what_a_bank_took_back_is_on_a_list_held_and_no_break(billing: Billing):
    dispute = await disputed(billing, reason="product_not_received")

    found = await only(billing)
    assert (found["state"], found["amount_cents"]) == ("needs_response", 39900)
    assert (found["reason"], found["charge_id"] is None) == ("product_not_received", False)
    assert "took $399.00 back" in found["detail"]
    [said] = await billing.said(PaymentDisputed)
    assert (said.stage, said.amount_cents) == ("chargeback", 39900)
    assert said.due_at is not None
    assert said.due_at.timestamp() == dispute["evidence_details"]["due_by"]
    billing.step(2 * HOUR)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)
    assert await breaks(billing) == []
    assert await trial_balance(billing) == {
        "stripe_clearing": -FEE - DISPUTE_FEE,
        "dispute_hold": 39900,
        "stripe_fees": FEE,
        "dispute_fees": DISPUTE_FEE,
        "revenue_infusion": 39900,
    }


async def test_a_won_dispute_brings_the_money_back_without_the_fee(billing: Billing):
    dispute = await disputed(billing)

    await decided(billing, dispute, "won")

    assert (await only(billing, closed=True))["state"] == "won"
    [said] = await billing.said(DisputeClosed)
    assert (said.outcome, said.charged_back_cents, said.owed_cents) == ("won", 0, 0)
    charge = await billing.only_charge(said.patient_id)
    assert (charge["state"], charge["owed_cents"]) == ("paid", 0)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)
    assert await trial_balance(billing) == {
        "stripe_clearing": 39900 - FEE - DISPUTE_FEE,
        "stripe_fees": FEE,
        "dispute_fees": DISPUTE_FEE,
        "revenue_infusion": 39900,
    }


async def test_what_is_lost_is_owed_again_and_nobody_asks_for_it_by_itself(billing: Billing):
    dispute = await disputed(billing)

    await decided(billing, dispute, "lost")

    found = await only(billing, closed=True)
    assert (found["state"], found["charged_back_cents"]) == ("lost", 39900)
    [said] = await billing.said(DisputeClosed)
    assert (said.outcome, said.charged_back_cents, said.owed_cents) == ("lost", 39900, 39900)
    charge = await billing.only_charge(said.patient_id)
    assert (charge["state"], charge["owed_cents"]) == ("open", 39900)
    billing.step(30 * DAY)
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    assert billing.at_stripe("checkout_sessions") == []
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)
    assert await trial_balance(billing) == {
        "patient_receivable": 39900,
        "stripe_clearing": -FEE - DISPUTE_FEE,
        "stripe_fees": FEE,
        "dispute_fees": DISPUTE_FEE,
        "revenue_infusion": 39900,
    }
    back = await refund(billing, charge["payments"][0])
    assert back.json()["violations"][0]["rule"] == "more_than_paid"


async def test_what_was_won_and_is_lost_after_all_is_owed_again(billing: Billing):
    dispute = await disputed(billing)
    await decided(billing, dispute, "won")

    await decided(billing, dispute, "reversed")

    found = await only(billing, closed=True)
    assert (found["state"], found["charged_back_cents"]) == ("lost", 39900)
    said = await billing.said(DisputeClosed)
    assert [(one.outcome, one.owed_cents) for one in said] == [("won", 0), ("lost", 39900)]
    charge = await billing.only_charge(said[0].patient_id)
    assert (charge["state"], charge["owed_cents"]) == ("open", 39900)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)
    balance = await trial_balance(billing)
    assert (balance["patient_receivable"], balance.get("dispute_hold", 0)) == (39900, 0)


async def test_what_was_lost_and_is_won_after_all_is_paid_again(billing: Billing):
    dispute = await disputed(billing)
    await decided(billing, dispute, "lost")

    await decided(billing, dispute, "reversed")

    found = await only(billing, closed=True)
    assert (found["state"], found["charged_back_cents"]) == ("won", 0)
    said = await billing.said(DisputeClosed)
    assert [(one.outcome, one.owed_cents) for one in said] == [("lost", 39900), ("won", 0)]
    charge = await billing.only_charge(said[0].patient_id)
    assert (charge["state"], charge["owed_cents"]) == ("paid", 0)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)
    assert await trial_balance(billing) == {
        "stripe_clearing": 39900 - FEE - DISPUTE_FEE,
        "stripe_fees": FEE,
        "dispute_fees": DISPUTE_FEE,
        "revenue_infusion": 39900,
    }


@pytest.mark.parametrize("cash_cents", [39900, 30000])
async def test_what_is_won_after_the_patient_paid_otherwise_is_the_patients(
    billing: Billing, cash_cents: int
):
    dispute = await disputed(billing)
    await decided(billing, dispute, "lost")
    [lost] = await billing.said(DisputeClosed)
    wish = {"tender": "cash", "reference": "R-77", "amount_cents": cash_cents}
    charge = await billing.only_charge(lost.patient_id)
    await billing.told("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)

    await decided(billing, dispute, "reversed")

    assert (await only(billing, closed=True))["state"] == "won"
    *_, said = await billing.said(DisputeClosed)
    assert (said.outcome, said.charged_back_cents, said.owed_cents) == ("won", cash_cents, 0)
    charge = await billing.only_charge(lost.patient_id)
    assert (charge["state"], charge["paid_cents"], charge["owed_cents"]) == ("paid", 39900, 0)
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert (waits["left_cents"], waits["is_won_back"]) == (cash_cents, True)
    assert "was settled otherwise meanwhile" in waits["detail"]
    owed = await billing.told("GET", f"/patients/{lost.patient_id}/balance")
    assert (owed["owed_cents"], owed["unmatched_cents"]) == (0, cash_cents)
    result = await reconciled(billing)
    assert (result["breaks"], result["difference_cents"]) == (0, 0)

    too_much = await refund(billing, waits, amount_cents=cash_cents + 1, reason="nothing_owed")
    assert too_much.json()["violations"][0]["rule"] == "more_than_paid"
    back = await refund(billing, waits, amount_cents=cash_cents, reason="nothing_owed")
    assert back.is_success, back.text
    await billing.until_rest()
    assert await billing.parked() == []
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    assert "unmatched_money" not in await trial_balance(billing)
    charge = await billing.only_charge(lost.patient_id)
    assert (charge["state"], charge["paid_cents"]) == ("paid", 39900)
    again = await refund(billing, waits, amount_cents=cash_cents, reason="nothing_owed")
    assert not again.is_success


async def test_what_was_won_back_goes_back_by_stripes_dashboard_too(
    billing: Billing, dashboard: stripe.StripeClient
):
    dispute = await disputed(billing)
    await decided(billing, dispute, "lost")
    [lost] = await billing.said(DisputeClosed)
    wish = {"tender": "cash", "reference": "R-77", "amount_cents": 39900}
    charge = await billing.only_charge(lost.patient_id)
    await billing.told("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)
    await decided(billing, dispute, "reversed")

    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    await dashboard.v1.refunds.create_async(
        {"payment_intent": waits["payment_intent_id"], "amount": 39900}
    )
    await billing.until_rest()

    assert await billing.parked() == []
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    charge = await billing.only_charge(lost.patient_id)
    assert (charge["state"], charge["paid_cents"], charge["owed_cents"]) == ("paid", 39900, 0)


async def test_a_part_that_is_lost_leaves_the_rest_paid(billing: Billing):
    dispute = await disputed(billing, amount_cents=10000)
    await decided(billing, dispute, "lost")
    [said] = await billing.said(DisputeClosed)
    charge = await billing.only_charge(said.patient_id)
    assert (charge["state"], charge["owed_cents"]) == ("partly_paid", 10000)


async def test_a_bank_that_takes_more_than_was_left_after_a_refund_costs_the_clinic(
    billing: Billing,
):
    await pay_for_infusions(billing)
    [row] = await billing.rows("SELECT patient_id FROM charges")
    charge = await billing.only_charge(row.patient_id)
    back = await refund(
        billing, charge["payments"][0], amount_cents=10000, reason="service_problem"
    )
    assert back.is_success, back.text
    await billing.until_rest()

    await decided(billing, await dispute_the_payment(billing), "lost")

    charge = await billing.only_charge(row.patient_id)
    assert (charge["state"], charge["owed_cents"]) == ("open", 29900)
    books = await trial_balance(billing)
    assert (books["patient_receivable"], books["bad_debt"]) == (29900, 10000)
    assert "dispute_hold" not in books


# What may not happen meanwhile


async def test_while_a_payment_is_disputed_it_cannot_be_refunded_and_its_patient_is_not_asked(
    billing: Billing,
):
    await disputed(billing)
    [said] = await billing.said(PaymentDisputed)
    charge = await billing.only_charge(said.patient_id)

    back = await refund(billing, charge["payments"][0])
    [hold] = await open_holds(billing)
    ended = await billing.ask("POST", f"/collections/holds/{hold['hold_id']}/end", {})

    assert back.json()["violations"][0]["rule"] == "payment_disputed"
    assert (hold["patient_id"], hold["charge_id"]) == (str(said.patient_id), None)
    assert (hold["reason"], hold["opened_by"]) == ("dispute", "billing")
    assert ended.json()["violations"][0]["rule"] == "hold_of_dispute"


async def test_dunning_of_the_patients_other_charges_stops_and_goes_on_with_the_decision(
    billing: Billing,
):
    await pay_for_infusions(billing)
    [row] = await billing.rows("SELECT patient_id FROM charges")
    [method] = billing.at_stripe("payment_methods")
    billing.world.issuer_says(method["id"], "insufficient_funds")
    await billing.hear(billing.complete(row.patient_id))
    await billing.until_rest()
    [charge] = [one for one in billing.at_stripe("charges") if one["paid"]]
    dispute = billing.world.bank_disputes(charge["id"], answer_within_days=60)
    await billing.until_rest()
    billing.world.issuer_says(method["id"], None)

    billing.step(9 * DAY)
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    assert billing.at_stripe("checkout_sessions") == []

    await decided(billing, dispute, "won")
    billing.step(DAY)
    await billing.until_rest()
    assert billing.money_taken() == [39900, 39900]
    assert await open_holds(billing) == []


# An inquiry


async def test_an_inquiry_takes_nothing_and_lets_the_money_go_back(billing: Billing):
    dispute = await disputed(billing, is_inquiry=True)
    assert (await only(billing))["state"] == "inquiry"
    assert [one.stage for one in await billing.said(PaymentDisputed)] == ["inquiry"]
    assert "dispute_hold" not in await trial_balance(billing)
    [said] = await billing.said(PaymentDisputed)
    charge = await billing.only_charge(said.patient_id)
    back = await refund(billing, charge["payments"][0], amount_cents=100, reason="courtesy")
    assert back.is_success, back.text

    await decided(billing, dispute, "won")

    assert (await only(billing, closed=True))["state"] == "inquiry_closed"
    assert await open_holds(billing) == []


async def test_an_inquiry_that_becomes_a_chargeback_takes_the_money_and_is_told_again(
    billing: Billing,
):
    dispute = await disputed(billing, is_inquiry=True)
    await decided(billing, dispute, "escalated")
    assert [one.stage for one in await billing.said(PaymentDisputed)] == ["inquiry", "chargeback"]
    assert (await trial_balance(billing))["dispute_hold"] == 39900
    assert len(await open_holds(billing)) == 1


# News that is late, lost, or comes all at once


async def test_webhooks_twice_and_out_of_order_post_once(billing: Billing):
    billing.world.fault("stripe", "duplicate", "any", times=100)
    billing.world.fault("stripe", "reorder", "any", times=100)
    dispute = await disputed(billing)
    await decided(billing, dispute, "won")
    assert (await trial_balance(billing)).get("dispute_hold") is None
    assert len(await billing.rows("SELECT 1 FROM dispute_movements")) == 2
    assert len(await billing.said(DisputeClosed)) == 1


async def test_a_dispute_of_which_no_webhook_came_is_found_within_the_hour(billing: Billing):
    await pay_for_infusions(billing)
    billing.world.fault("stripe", "drop", "any", times=100)
    await dispute_the_payment(billing)
    assert await billing.said(PaymentDisputed) == []

    billing.step(CATCH_UP_EVERY)
    await billing.until_rest()

    assert (await only(billing))["state"] == "needs_response"


async def test_a_dispute_that_was_opened_and_lost_while_nobody_heard_is_lost_at_once(
    billing: Billing,
):
    await pay_for_infusions(billing)
    quiet = billing.world.fault("stripe", "drop", "any", times=100)
    deaf = billing.world.fault("stripe", "status_before", "GET /v1/events", times=100_000)
    dispute = await dispute_the_payment(billing)
    billing.world.bank_decides(dispute["id"], "lost")
    billing.world.take_back(quiet)
    billing.world.take_back(deaf)
    billing.step(CATCH_UP_EVERY)
    await billing.until_rest()

    assert (await only(billing, closed=True))["charged_back_cents"] == 39900
    assert await open_holds(billing) == []
    assert await billing.said(PaymentDisputed) == []
    assert [one.outcome for one in await billing.said(DisputeClosed)] == ["lost"]


async def test_what_nobody_answers_is_warned_of_every_morning_of_its_last_days(billing: Billing):
    await disputed(billing, answer_within_days=7)
    for _ in range(3):
        billing.step(DAY)
        await billing.until_rest()
    assert await billing.said(DisputeUnanswered) == []
    assert not (await only(billing))["is_urgent"]

    for _ in range(3):
        billing.step(DAY)
        await billing.until_rest()

    warned = await billing.said(DisputeUnanswered)
    assert len(warned) == 3
    assert (await only(billing))["is_urgent"]


async def test_a_dispute_that_is_heard_of_before_its_payment_waits_for_it(billing: Billing):
    await billing.set_fee()
    patient = new_id()
    await billing.save_card(patient)
    billing.world.fault("stripe", "lost_answer", "POST /v1/payment_intents")
    silent = billing.world.fault(
        "stripe", "status_before", "GET /v1/payment_intents*", times=100_000
    )
    await billing.hear(billing.complete(patient))
    await eventually(lambda: billing.money_taken() == [39900])
    [charge] = billing.at_stripe("charges")
    billing.world.bank_disputes(charge["id"])

    async def is_heard_of() -> bool:
        return bool(await billing.rows("SELECT 1 FROM due_work WHERE key LIKE 'look-on:dp%'"))

    await eventually(is_heard_of)
    assert (await billing.told("GET", "/disputes"))["items"] == []
    billing.world.take_back(silent)
    await eventually(lambda: billing.said(PaymentCaptured), within_s=20)
    billing.step(LOOK_AGAIN_AFTER)
    await billing.until_rest()
    assert (await only(billing))["state"] == "needs_response"
    assert await billing.parked() == []


# Who, and the database


async def test_the_front_desk_does_not_see_disputes(billing: Billing):
    for path in ("/disputes", f"/disputes/{new_id()}"):
        assert (await billing.ask("GET", path, role=Role.FRONT_DESK)).status_code == 403
    assert (await billing.ask("GET", f"/disputes/{new_id()}")).status_code == 404


@pytest.mark.parametrize(("to", "closed"), [("inquiry", "NULL"), ("under_review", "NULL")])
async def test_the_database_lets_a_dispute_go_one_way_whoever_writes(
    billing: Billing, to: str, closed: str
):
    dispute = await disputed(billing)
    await decided(billing, dispute, "won")
    with pytest.raises(DBAPIError, match=f"does not go from won to {to}"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(
                text(f"UPDATE disputes SET state = '{to}', closed_at = {closed}")
            )
