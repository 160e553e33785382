"""Money back: at once, later or not at all, and never more than was paid."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe

from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import pay
from tests.outside.test_stripe_webhooks import events_of
from tests.support.outside_world import OutsideWorld


def _refund_events(ear: Ear) -> list[tuple[str, str]]:
    return [
        (event.type, str(event.data.object.status))
        for event in events_of(ear)
        if event.type.startswith("refund.")
    ]


async def test_a_refund_comes_later_of_itself(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    intent, _ = await pay(stripe_client, "pm_card_pendingRefund")
    world.notify(stripe=ear.url)
    refund = await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")

    await steps.by(timedelta(hours=1))

    assert (await stripe_client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert _refund_events(ear) == [
        ("refund.created", "pending"),
        ("refund.updated", "succeeded"),
    ]


async def test_a_refund_that_was_there_fails_and_the_money_is_ours_again(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    intent, charge = await pay(stripe_client, "pm_card_refundFail")
    world.notify(stripe=ear.url)
    refund = await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    assert refund.status == "succeeded"

    await steps.by(timedelta(days=1))

    failed = await stripe_client.v1.refunds.retrieve_async(
        refund.id, {"expand": ["failure_balance_transaction"]}
    )
    assert (failed.status, failed.failure_reason) == ("failed", "unknown")
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert failed.failure_balance_transaction.net == 39900
    again = await stripe_client.v1.charges.retrieve_async(charge)
    assert (again.amount_refunded, again.refunded) == (0, False)
    assert _refund_events(ear) == [
        ("refund.created", "succeeded"),
        ("refund.failed", "failed"),
        ("refund.updated", "failed"),
    ]


async def test_any_refund_can_be_made_to_wait_and_then_to_arrive_or_to_fail(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    intent, charge = await pay(stripe_client)
    method = world.state()["stripe"]["charges"][0]["payment_method"]
    world.refunds_come(method, "later")
    first, second = [
        await stripe_client.v1.refunds.create_async({"payment_intent": intent, "amount": cents})
        for cents in (10000, 20000)
    ]

    world.refund_ends(first.id, "succeeded")
    world.refund_ends(second.id, "failed", failure_reason="lost_or_stolen_card")

    refunds = world.state()["stripe"]["refunds"]
    assert [(r["status"], r.get("failure_reason")) for r in refunds] == [
        ("succeeded", None),
        ("failed", "lost_or_stolen_card"),
    ]
    left = await stripe_client.v1.charges.retrieve_async(charge)
    assert left.amount_refunded == 10000
    with pytest.raises(AssertionError, match="409"):
        world.refund_ends(second.id, "succeeded")


async def test_more_than_is_left_is_refused_with_both_figures(stripe_client: stripe.StripeClient):
    intent, _ = await pay(stripe_client)
    await stripe_client.v1.refunds.create_async({"payment_intent": intent, "amount": 30000})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.refunds.create_async({"payment_intent": intent, "amount": 9901})
    assert refused.value.param == "amount"
    assert "($99.01)" in str(refused.value)
    assert "($99.00)" in str(refused.value)


async def test_a_pending_refund_counts_against_what_is_left(
    stripe_client: stripe.StripeClient,
):
    intent, _ = await pay(stripe_client, "pm_card_pendingRefund")
    await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"


async def test_a_charged_back_payment_is_not_refunded_too(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    intent, charge = await pay(stripe_client)
    dispute = world.bank_disputes(charge)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"

    world.bank_decides(dispute["id"], "won")

    refund = await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    assert refund.status == "succeeded"


async def test_a_payment_under_inquiry_may_still_be_refunded(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    intent, charge = await pay(stripe_client)
    world.bank_disputes(charge, is_inquiry=True, reason="general")
    refund = await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    assert refund.status == "succeeded"


async def test_a_chargeback_stops_a_refund_on_its_way(
    stripe_client: stripe.StripeClient, world: OutsideWorld
):
    intent, charge = await pay(stripe_client, "pm_card_pendingRefund")
    await stripe_client.v1.refunds.create_async({"payment_intent": intent})

    world.bank_disputes(charge)

    (refund,) = world.state()["stripe"]["refunds"]
    assert (refund["status"], refund["failure_reason"]) == (
        "failed",
        "charge_for_pending_refund_disputed",
    )
    net = sum(one["net"] for one in world.state()["stripe"]["balance_transactions"])
    assert net == -1187 - 1500  # the payment's fee and the dispute's; the money went back once


async def test_the_same_key_refunds_once(stripe_client: stripe.StripeClient, world: OutsideWorld):
    intent, _ = await pay(stripe_client)
    made = [
        await stripe_client.v1.refunds.create_async(
            {"payment_intent": intent, "amount": 10000}, {"idempotency_key": "r-1"}
        )
        for _ in range(3)
    ]
    assert len({refund.id for refund in made}) == 1
    assert world.state()["stripe"]["charges"][0]["amount_refunded"] == 10000
