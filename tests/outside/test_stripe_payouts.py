"""The balance: what each movement adds, and what goes to the bank when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import stripe

from tests.outside.conftest import Ear, Steps
from tests.outside.stripe_calls import pay
from tests.outside.test_stripe_webhooks import events_of
from tests.support.outside_world import OutsideWorld


async def _movements(
    client: stripe.StripeClient, payout: str | None = None
) -> list[stripe.BalanceTransaction]:
    params: stripe.params.BalanceTransactionListParams = {"limit": 100}
    if payout is not None:
        params["payout"] = payout
    page = await client.v1.balance_transactions.list_async(params)
    return list(reversed(page.data))


async def _to_midnight(steps: Steps, days: int) -> None:
    midnight = (steps.now() + timedelta(days=days)).replace(hour=0, minute=0, second=0)
    await steps.by(midnight - steps.now())


async def test_a_payment_is_entered_less_its_fee(stripe_client: stripe.StripeClient):
    _, charge_id = await pay(stripe_client)
    charge = await stripe_client.v1.charges.retrieve_async(
        charge_id, {"expand": ["balance_transaction"]}
    )
    entry = charge.balance_transaction
    assert isinstance(entry, stripe.BalanceTransaction)
    assert (entry.amount, entry.fee, entry.net) == (39900, 1187, 38713)  # 2.9 % and 30 ¢
    assert (entry.type, entry.source, entry.status) == ("charge", charge_id, "pending")
    assert [(fee.type, fee.amount) for fee in entry.fee_details] == [("stripe_fee", 1187)]


async def test_money_is_available_two_working_days_later_and_goes_to_the_bank(
    stripe_client: stripe.StripeClient, world: OutsideWorld, ear: Ear, steps: Steps
):
    await _to_midnight(steps, (3 - steps.now().weekday()) % 7 or 7)  # a Thursday
    intent, charge = await pay(stripe_client)
    await pay(stripe_client, cents=40000)
    refund = await stripe_client.v1.refunds.create_async(
        {"payment_intent": intent, "amount": 10000}
    )
    world.notify(stripe=ear.url)
    entries = await _movements(stripe_client)
    monday = int((steps.now() + timedelta(days=4)).timestamp())
    assert {e.available_on for e in entries if e.type == "charge"} == {monday}

    await _to_midnight(steps, 3)
    assert (await stripe_client.v1.payouts.list_async({})).data == []
    await _to_midnight(steps, 1)

    (payout,) = (await stripe_client.v1.payouts.list_async({"created": {"gte": monday}})).data
    assert (payout.status, payout.reconciliation_status) == ("in_transit", "in_progress")
    assert payout.amount == 38713 + 38810 - 10000
    paid_out = await _movements(stripe_client, payout.id)
    assert sum(one.net for one in paid_out if one.type != "payout") == payout.amount
    assert {one.source for one in paid_out} >= {charge, refund.id, payout.id}

    await _to_midnight(steps, 1)

    arrived = await stripe_client.v1.payouts.retrieve_async(
        payout.id, {"expand": ["balance_transaction"]}
    )
    assert (arrived.status, arrived.reconciliation_status) == ("paid", "completed")
    assert isinstance(arrived.balance_transaction, stripe.BalanceTransaction)
    assert arrived.balance_transaction.net == -payout.amount
    assert [event.type for event in events_of(ear)] == [
        "payout.created",
        "payout.paid",
        "payout.reconciliation_completed",
    ]
    balance = await stripe_client.v1.balance.retrieve_async()
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 0)


async def test_what_we_owe_is_carried_to_the_next_payout(
    stripe_client: stripe.StripeClient, world: OutsideWorld, steps: Steps
):
    intent, _ = await pay(stripe_client)
    await steps.by(timedelta(days=6))
    await stripe_client.v1.refunds.create_async({"payment_intent": intent})
    await steps.by(timedelta(days=6))
    assert len(world.state()["stripe"]["payouts"]) == 1
    balance = await stripe_client.v1.balance.retrieve_async()
    assert balance.available[0].amount == -39900

    await pay(stripe_client, cents=100_000)
    await steps.by(timedelta(days=6))

    amounts = [payout["amount"] for payout in world.state()["stripe"]["payouts"]]
    assert amounts == [38713, 100_000 - 2930 - 39900]


async def test_each_movement_is_in_one_payout_and_their_sums_agree(
    stripe_client: stripe.StripeClient, world: OutsideWorld, steps: Steps
):
    for day in range(8):
        intent, charge = await pay(stripe_client, cents=30_000 + day)
        if day == 2:
            await stripe_client.v1.refunds.create_async({"payment_intent": intent})
        if day == 4:
            world.bank_disputes(charge, amount_cents=5000)
        await steps.by(timedelta(days=1))
    await steps.by(timedelta(days=10))

    page = await stripe_client.v1.payouts.list_async({"limit": 100})
    seen: list[str] = []
    for payout in page.data:
        entries = await _movements(stripe_client, payout.id)
        assert sum(one.net for one in entries if one.type != "payout") == payout.amount
        assert [one.source for one in entries if one.type == "payout"] == [payout.id]
        seen += [one.id for one in entries]
    everything = [one["id"] for one in world.state()["stripe"]["balance_transactions"]]
    assert sorted(seen) == sorted(everything)
    assert all(payout.status == "paid" for payout in page.data)
    assert all(
        datetime.fromtimestamp(payout.arrival_date, UTC).weekday() < 5 for payout in page.data
    )


async def test_a_card_may_be_available_at_once(stripe_client: stripe.StripeClient):
    await pay(stripe_client, "pm_card_bypassPending")
    balance = await stripe_client.v1.balance.retrieve_async()
    assert balance.available[0].amount == 38713


async def test_an_entry_leads_to_what_it_is_about(stripe_client: stripe.StripeClient):
    _, charge = await pay(stripe_client)
    page = await stripe_client.v1.balance_transactions.list_async(
        {"type": "charge", "expand": ["data.source"]}
    )
    (entry,) = page.data
    assert isinstance(entry.source, stripe.Charge)
    assert entry.source.id == charge


async def test_what_stripe_takes_for_itself_is_an_entry_of_its_own_and_lessens_the_payout(
    stripe_client: stripe.StripeClient, world: OutsideWorld, steps: Steps
):
    await pay(stripe_client)
    fee = world.stripe_moves("stripe_fee", -250, "fee", "Radar (2026-11-23): 5 screened")
    await steps.by(timedelta(days=10))

    params: stripe.params.BalanceTransactionListParams = {
        "type": "stripe_fee",
        "expand": ["data.source"],
    }
    [entry] = (await stripe_client.v1.balance_transactions.list_async(params)).data
    assert (entry.id, entry.amount, entry.fee, entry.net) == (fee, -250, 0, -250)
    assert (entry.source, entry.reporting_category) == (None, "fee")
    [payout] = world.state()["stripe"]["payouts"]
    assert payout["amount"] == 38713 - 250
