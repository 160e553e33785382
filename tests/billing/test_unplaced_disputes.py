"""A bank doubts a payment that is not in the books: it is posted, listed, and finds its payment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import stripe

from services.billing.handlers.charges.attempts import record_capture
from services.billing.rules.disputes.course import LOOK_ON_EVERY
from services.billing.work import Captured
from shared.events.billing import (
    DisputeClosed,
    PaymentDisputed,
    UnknownDisputeClosed,
    UnknownPaymentDisputed,
)
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_disputes import DAY, DISPUTE_FEE, HOUR, decided, only, open_holds
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import FEE, breaks, reconciled
from tests.outside.stripe_calls import charge_params, save_card


async def doubted(billing: Billing, dashboard: stripe.StripeClient) -> dict[str, Any]:
    """Somebody charges a card in the dashboard, and its bank doubts it; an hour goes by."""
    customer, card = await save_card(dashboard)
    intent = await dashboard.v1.payment_intents.create_async(charge_params(customer, card))
    [charge] = [one for one in billing.at_stripe("charges") if one["payment_intent"] == intent.id]
    dispute = billing.world.bank_disputes(charge["id"], answer_within_days=20)
    await billing.until_rest()
    assert (await billing.told("GET", "/disputes"))["items"] == []
    billing.step(HOUR)
    await billing.until_rest()
    assert await billing.parked() == []
    return dispute


async def test_a_dispute_of_money_that_is_not_in_the_books_is_on_the_list_and_posted(
    billing: Billing, dashboard: stripe.StripeClient
):
    dispute = await doubted(billing, dashboard)

    found = await only(billing)
    assert (found["state"], found["amount_cents"]) == ("needs_response", dispute["amount"])
    assert (found["payment_id"], found["patient_id"]) == (None, None)
    assert found["payment_intent_id"] == dispute["payment_intent"]
    assert "is not in the books" in found["detail"]
    assert (await trial_balance(billing))["dispute_hold"] == dispute["amount"]
    await reconciled(billing)
    [payment] = await breaks(billing)
    assert (payment["subject"], payment["kind"]) == ("payment", "not_in_books")
    shown = await billing.ask("GET", f"/disputes/{found['dispute_id']}")
    assert shown.is_success, shown.text
    [said] = await billing.said(UnknownPaymentDisputed)
    assert (said.stage, said.amount_cents) == ("chargeback", 39900)
    assert said.due_at is not None


async def test_a_dispute_of_unknown_money_is_warned_of_every_morning_of_its_last_days(
    billing: Billing, dashboard: stripe.StripeClient
):
    await doubted(billing, dashboard)
    for _ in range(16):
        billing.step(DAY)
        await billing.until_rest()
    assert [one.stage for one in await billing.said(UnknownPaymentDisputed)] == ["chargeback"]
    for _ in range(3):
        billing.step(DAY)
        await billing.until_rest()
    said = await billing.said(UnknownPaymentDisputed)
    assert [one.stage for one in said] == ["chargeback", *["unanswered"] * 3]


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_the_end_of_a_dispute_of_unknown_money_leaves_nothing_unexplained(
    billing: Billing, dashboard: stripe.StripeClient, outcome: str
):
    dispute = await doubted(billing, dashboard)

    await decided(billing, dispute, outcome)

    found = await only(billing, closed=True)
    assert (found["state"], found["charged_back_cents"]) == (outcome, 0)
    assert "dispute_hold" not in await trial_balance(billing)
    billing.step(2 * HOUR)
    await reconciled(billing)
    assert [one.outcome for one in await billing.said(UnknownDisputeClosed)] == [outcome]
    left = [(one["subject"], one["kind"]) for one in await breaks(billing)]
    assert left == ([("payment", "not_in_books")] if outcome == "won" else [])


async def test_a_person_may_accept_it_but_has_no_evidence(
    billing: Billing, dashboard: stripe.StripeClient
):
    await doubted(billing, dashboard)
    dispute_id = (await only(billing))["dispute_id"]

    path = f"/disputes/{dispute_id}"
    assert (await billing.ask("GET", f"{path}/evidence")).status_code == 404
    evidence = await billing.ask("POST", f"{path}/answer", {"kind": "evidence"})
    assert evidence.status_code == 409
    asked = await billing.told("POST", f"{path}/answer", {"kind": "acceptance"})
    approved = await billing.ask(
        "POST", f"/approvals/{asked['approval_id']}/approve", {}, who="staff-2"
    )
    assert approved.is_success, approved.text
    await billing.until_rest()

    assert await billing.parked() == []
    assert (await only(billing, closed=True))["state"] == "lost"


async def found(billing: Billing, patient: UUID, dispute: dict[str, Any]) -> None:
    """The payment's news is caught up: it was a try at the card of a patient's visit."""
    await billing.set_fee()
    await billing.save_card(patient, "pm_card_chargeCustomerFail")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    assert (await billing.only_charge(patient))["state"] == "declined"
    [attempt] = await billing.rows("SELECT attempt_id FROM payment_attempts")
    async with billing.service.runtime.work.transaction() as tx:
        captured = Captured(
            attempt_id=attempt.attempt_id,
            payment_intent_id=dispute["payment_intent"],
            amount_cents=39900,
        )
        await record_capture(captured, tx)
    assert (await billing.only_charge(patient))["state"] == "paid"


async def test_once_its_payment_is_found_a_dispute_is_its_patients(
    billing: Billing, dashboard: stripe.StripeClient
):
    patient, dispute = new_id(), await doubted(billing, dashboard)
    assert await billing.said(PaymentDisputed) == []
    await found(billing, patient, dispute)

    billing.step(LOOK_ON_EVERY)
    await billing.until_rest()

    listed = await only(billing)
    assert (listed["patient_id"], listed["state"]) == (str(patient), "needs_response")
    assert "is not in the books" not in listed["detail"]
    [said] = await billing.said(PaymentDisputed)
    assert (said.patient_id, said.charge_id is None) == (patient, False)
    assert len(await open_holds(billing)) == 1
    assert (await trial_balance(billing))["dispute_hold"] == 39900
    evidence = await billing.ask("GET", f"/disputes/{listed['dispute_id']}/evidence")
    assert evidence.is_success, evidence.text

    await decided(billing, dispute, "won")
    assert await open_holds(billing) == []


async def test_what_was_lost_before_its_payment_was_found_is_owed_again(
    billing: Billing, dashboard: stripe.StripeClient
):
    patient, dispute = new_id(), await doubted(billing, dashboard)
    await decided(billing, dispute, "lost")
    await found(billing, patient, dispute)

    billing.step(DAY)
    await billing.until_rest()

    assert await billing.parked() == []
    listed = await only(billing, closed=True)
    assert (listed["patient_id"], listed["charged_back_cents"]) == (str(patient), 39900)
    [said] = await billing.said(DisputeClosed)
    assert (said.outcome, said.owed_cents) == ("lost", 39900)
    charge = await billing.only_charge(patient)
    assert charge["owed_cents"] == 39900
    billing.step(2 * HOUR)
    await reconciled(billing)
    assert await breaks(billing) == []
    books = await trial_balance(billing)
    assert (books["patient_receivable"], books.get("dispute_hold", 0)) == (39900, 0)
    assert books["stripe_clearing"] == -FEE - DISPUTE_FEE
