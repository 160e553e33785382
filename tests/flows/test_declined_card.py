"""Story 2: the card is declined, a new one pays; one visit is paid with CareCredit."""

from __future__ import annotations

from shared.events import billing
from shared.events.billing import DeclineReason, TenderKind
from shared.events.notifications import Purpose
from tests.flows.conftest import Story

PATIENT = "ben"


async def test_nothing_is_missing_and_nothing_is_too_much(story: Story):
    assert story.lived.wrong == []
    await story.nothing_is_left_over()


async def test_the_second_infusion_is_declined_once_and_the_patient_hears_of_it(story: Story):
    assert story.charges("failed") == [39900]
    (declined,) = story.said(billing.PaymentDeclined)
    assert declined.reason is DeclineReason.INSUFFICIENT_FUNDS
    assert story.sent_at(Purpose.PAYMENT_FAILED) == ["2027-01-25 09:40"]


async def test_the_next_try_with_the_new_card_succeeds(story: Story):
    (declined,) = story.said(billing.PaymentDeclined)
    paid = [
        one for one in story.said(billing.PaymentCaptured) if one.charge_id == declined.charge_id
    ]
    assert [story.local(one.captured_at) for one in paid] == ["2027-01-25 16:30"]
    numbers = [
        one["payment_method_details"]["card"]["last4"]
        for one in story.truth["stripe"]["charges"]
        if one["status"] == "succeeded"
    ]
    assert numbers == ["4242", "4444", "4444", "4444", "4444"]


async def test_one_customer_keeps_both_cards(story: Story):
    assert len(story.truth["stripe"]["customers"]) == 1
    assert len(story.said(billing.CardSaved)) == 2


async def test_the_fourth_infusion_is_settled_with_carecredit_and_no_card_is_tried(story: Story):
    assert story.charges() == [39900] * 5
    (outside,) = story.said(billing.OutsidePaymentRecorded)
    assert outside.tender is TenderKind.CARE_CREDIT
    assert outside.amount_cents == 39900
    rows = await story.rows(
        "billing", "SELECT tender, reference FROM payments WHERE tender <> 'card'"
    )
    assert [tender for tender, _reference in rows] == ["care_credit"]
    tries = await story.rows(
        "billing",
        "SELECT count(*) FROM payment_attempts AS a JOIN payments AS p USING (charge_id)"
        " WHERE p.tender <> 'card'",
    )
    assert tries == [(0,)]


async def test_every_infusion_ends_in_a_superbill_however_it_was_paid(story: Story):
    assert [bill.total_cents for bill in story.happened.superbills] == [39900] * 6
    assert len(story.said(billing.SuperbillIssued)) == 6
