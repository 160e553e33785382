"""Refunds that somebody makes in Stripe's dashboard: booked once, as if asked for here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe

from shared.events.billing import RefundFailed, RefundIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_refunds import paid_by_card, refund
from tests.outside.stripe_calls import charge_params, save_card
from tests.support.outside_world import STRIPE_WEBHOOK_SECRET


async def give_back(
    dashboard: stripe.StripeClient, reference: str, amount_cents: int
) -> stripe.Refund:
    return await dashboard.v1.refunds.create_async(
        {"payment_intent": reference, "amount": amount_cents}
    )


async def tell_again(billing: Billing, kind: str, made: stripe.Refund) -> None:
    """Another notice of Stripe's about the same refund."""
    body = (
        f'{{"object": "event", "id": "evt_{new_id().hex}", "type": "{kind}",'
        f' "data": {{"object": {{"id": "{made.id}", "object": "refund"}}}}}}'
    )
    header = stripe.WebhookSignature.generate_signature_header(body, STRIPE_WEBHOOK_SECRET)
    answer = await billing.http.post(
        "/webhooks/stripe", content=body, headers={"Stripe-Signature": header}
    )
    assert answer.status_code == 204


async def refunds_of(billing: Billing, charge: dict[str, Any]) -> list[dict[str, Any]]:
    path = f"/patients/{charge['patient_id']}/refunds"
    return list((await billing.told("GET", path))["items"])


async def test_it_is_booked_once_corrects_the_superbill_and_ties(
    billing: Billing, dashboard: stripe.StripeClient
):
    charge = await paid_by_card(billing)
    made = await give_back(dashboard, charge["payment"]["reference"], 10000)
    await billing.until_rest()

    [issued] = await billing.said(RefundIssued)
    assert (issued.amount_cents, issued.owed_cents) == (10000, 0)
    [shown] = await refunds_of(billing, charge)
    assert (shown["state"], shown["asked_by"]) == ("succeeded", "stripe")
    assert (shown["reason"], issued.reason) == ("made_at_stripe", "made_at_stripe")
    found = await billing.only_charge(charge["patient_id"])
    assert found["payments"][0]["refunded_cents"] == 10000
    versions = await billing.rows("SELECT version FROM superbills ORDER BY version")
    assert [row.version for row in versions] == [1, 2]

    for kind in ("refund.updated", "refund.created"):
        await tell_again(billing, kind, made)
    await billing.until_rest()
    assert len(await billing.said(RefundIssued)) == 1
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    assert await breaks(billing) == []

    too_much = await refund(billing, charge["payment"])
    assert [one["rule"] for one in too_much.json()["violations"]] == ["more_than_paid"]


@pytest.mark.parametrize("card", ["pm_card_pendingRefund", "pm_card_refundFail"])
async def test_what_comes_of_it_later_is_followed(
    billing: Billing, dashboard: stripe.StripeClient, card: str
):
    charge = await paid_by_card(billing, card)
    await give_back(dashboard, charge["payment"]["reference"], 39900)
    await billing.until_rest()
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "closed"
    billing.step(timedelta(days=2))
    await billing.until_rest()

    fails = card == "pm_card_refundFail"
    after = (await billing.only_charge(charge["patient_id"]))["state"]
    assert after == ("paid" if fails else "closed")
    assert len(await billing.said(RefundFailed)) == fails
    assert len(await billing.said(RefundIssued)) == 1
    await reconciled(billing)
    assert await breaks(billing) == []


async def test_with_one_of_ours_under_way_no_more_goes_back_than_came(
    billing: Billing, dashboard: stripe.StripeClient
):
    charge = await paid_by_card(billing)
    billing.world.fault("stripe", "status_before", "POST /v1/refunds", times=1)
    await refund(billing, charge["payment"], amount_cents=30000)
    await billing.until_rest()
    await give_back(dashboard, charge["payment"]["reference"], 9900)
    await billing.until_rest()

    assert sorted(
        (one["amount_cents"], one["state"]) for one in await refunds_of(billing, charge)
    ) == [
        (9900, "succeeded"),
        (30000, "succeeded"),
    ]
    assert sum(one["amount"] for one in billing.at_stripe("refunds")) == 39900
    assert await billing.parked() == []


async def test_a_payment_that_is_none_of_ours_changes_nothing(
    billing: Billing, dashboard: stripe.StripeClient
):
    await paid_by_card(billing)
    customer, card = await save_card(dashboard)
    intent = await dashboard.v1.payment_intents.create_async(charge_params(customer, card))
    await give_back(dashboard, intent.id, 39900)
    await billing.until_rest()
    assert await billing.rows("SELECT 1 FROM refunds") == []
    assert await billing.parked() == []
