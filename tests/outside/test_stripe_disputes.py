"""Disputes: opened by the cardholder's bank, answered with evidence, decided by the bank."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import stripe

from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import pay
from tests.outside.test_stripe_webhooks import events_of
from tests.support.outside_world import OutsideWorld


def _told(ear: Ear) -> list[tuple[str, str]]:
    return [
        (event.type.removeprefix("charge.dispute."), str(event.data.object.status))
        for event in events_of(ear)
        if event.type.startswith("charge.dispute.")
    ]


async def _only(client: stripe.StripeClient) -> stripe.Dispute:
    (dispute,) = (await client.v1.disputes.list_async({})).data
    return dispute


async def test_a_test_card_is_disputed_right_after_it_paid(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    _, charge = await pay(stripe_client, "pm_card_createDispute")
    await world.until_rest()

    dispute = await _only(stripe_client)

    assert (dispute.charge, dispute.amount, dispute.reason) == (charge, 39900, "fraudulent")
    assert (dispute.status, dispute.is_charge_refundable) == ("needs_response", False)
    (withdrawal,) = dispute.balance_transactions
    assert (withdrawal.amount, withdrawal.fee, withdrawal.net) == (-39900, 1500, -41400)
    assert (withdrawal.type, withdrawal.reporting_category) == ("adjustment", "dispute")
    assert (await stripe_client.v1.charges.retrieve_async(charge)).disputed
    assert _told(ear) == [("created", "needs_response"), ("funds_withdrawn", "needs_response")]


async def test_evidence_is_staged_sent_once_and_wins_the_money_back_without_the_fee(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    _, charge = await pay(stripe_client)
    world.notify(stripe=ear.url)
    opened = world.bank_disputes(charge, reason="product_not_received")
    disputes = stripe_client.v1.disputes
    staged = await disputes.update_async(
        opened["id"], {"evidence": {"customer_name": "Pat Made-Up"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = await disputes.update_async(
        opened["id"], {"evidence": {"uncategorized_text": "They came; here are the times."}}
    )
    assert (sent.status, sent.evidence.customer_name) == ("under_review", "Pat Made-Up")
    assert sent.evidence_details.submission_count == 1
    with pytest.raises(stripe.InvalidRequestError):
        await disputes.update_async(opened["id"], {"evidence": {"customer_name": "x"}})

    world.bank_decides(opened["id"], "won")
    await world.until_rest()

    won = await _only(stripe_client)
    assert won.status == "won"
    assert [(one.amount, one.fee) for one in won.balance_transactions] == [
        (-39900, 1500),
        (39900, 0),
    ]
    assert _told(ear) == [
        ("created", "needs_response"),
        ("funds_withdrawn", "needs_response"),
        ("updated", "needs_response"),
        ("updated", "under_review"),
        ("funds_reinstated", "won"),
        ("closed", "won"),
    ]


@pytest.mark.parametrize(
    ("text", "outcome"), [("winning_evidence", "won"), ("losing_evidence", "lost")]
)
async def test_stripes_own_texts_decide_a_dispute(
    stripe_client: stripe.StripeClient, world: OutsideWorld, text: str, outcome: str
):
    _, charge = await pay(stripe_client)
    opened = world.bank_disputes(charge)
    await stripe_client.v1.disputes.update_async(
        opened["id"], {"evidence": {"uncategorized_text": text}}
    )
    await world.until_rest()
    assert (await _only(stripe_client)).status == outcome


async def test_a_dispute_that_nobody_answers_is_lost_when_its_time_is_up(
    stripe_client: stripe.StripeClient, world: OutsideWorld, steps: Steps
):
    _, charge = await pay(stripe_client)
    world.bank_disputes(charge, answer_within_days=3)
    await steps.by(timedelta(days=3))
    lost = await _only(stripe_client)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


async def test_we_may_give_in(stripe_client: stripe.StripeClient, world: OutsideWorld):
    _, charge = await pay(stripe_client)
    opened = world.bank_disputes(charge)
    closed = await stripe_client.v1.disputes.close_async(opened["id"])
    assert closed.status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.disputes.close_async(opened["id"])


async def test_an_inquiry_takes_no_money_until_it_becomes_a_chargeback(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear
):
    world.notify(stripe=ear.url)
    await pay(stripe_client, "pm_card_createDisputeInquiry")
    await world.until_rest()
    inquiry = await _only(stripe_client)
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])

    world.bank_decides(inquiry.id, "escalated")
    await world.until_rest()

    chargeback = await _only(stripe_client)
    assert (chargeback.status, len(chargeback.balance_transactions)) == ("needs_response", 1)
    assert _told(ear) == [
        ("created", "warning_needs_response"),
        ("updated", "needs_response"),
        ("funds_withdrawn", "needs_response"),
    ]


async def test_a_part_of_a_payment_may_be_disputed(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    _, charge = await pay(stripe_client)
    world.bank_disputes(charge, amount_cents=10000, reason="duplicate")
    dispute = await _only(stripe_client)
    assert (dispute.amount, dispute.balance_transactions[0].net) == (10000, -11500)


async def test_the_news_of_a_dispute_may_come_in_any_order(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    _, charge = await pay(stripe_client)
    world.notify(stripe=ear.url)
    for seconds, kind in ((30, "created"), (20, "funds_withdrawn"), (10, "closed")):
        world.fault("stripe", "delay", f"charge.dispute.{kind}", seconds=seconds)
    opened = world.bank_disputes(charge)
    world.bank_decides(opened["id"], "lost")

    await steps.by(timedelta(seconds=30))

    assert [kind for kind, _ in _told(ear)] == ["closed", "funds_withdrawn", "created"]


async def test_documents_are_uploaded_and_named_as_evidence(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    _, charge = await pay(stripe_client)
    opened = world.bank_disputes(charge)
    pack = io.BytesIO(b"%PDF-1.7 made up")
    pack.name = "evidence.pdf"
    upload = await stripe_client.v1.files.create_async(
        {"purpose": "dispute_evidence", "file": pack}
    )

    sent = await stripe_client.v1.disputes.update_async(
        opened["id"], {"evidence": {"service_documentation": upload.id}}
    )

    assert sent.evidence.service_documentation == upload.id
    (kept,) = world.state()["stripe"]["uploads"]
    assert (kept["filename"], kept["size"], kept["type"]) == ("evidence.pdf", 16, "pdf")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.disputes.update_async(
            opened["id"], {"evidence": {"receipt": "file_of_nobody"}}
        )
    assert refused.value.param == "evidence[receipt]"
    text = io.BytesIO(b"just words")
    with pytest.raises(stripe.InvalidRequestError):
        await stripe_client.v1.files.create_async({"purpose": "dispute_evidence", "file": text})


async def test_unknown_evidence_and_too_much_of_it_are_refused(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    _, charge = await pay(stripe_client)
    opened = world.bank_disputes(charge)
    wrong: list[dict[str, str]] = [
        {"diagnosis": "x"},
        {"uncategorized_text": "x" * 20_001},
    ]
    for evidence in wrong:
        with pytest.raises(stripe.InvalidRequestError):
            await stripe_client.v1.disputes.update_async(
                opened["id"],
                {"evidence": evidence},  # type: ignore[typeddict-item]  # wrong on purpose
            )
    assert (await _only(stripe_client)).status == "needs_response"
