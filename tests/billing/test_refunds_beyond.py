"""More goes back in Stripe's dashboard than the books have of a payment: booked, and on a list."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.payments.refunds import Refundable, parts_at_stripe
from shared.events.billing import RefundReason, TenderKind
from tests.billing.conftest import Billing
from tests.billing.packages import bought_by_card, only_package
from tests.billing.packages import refund as refund_package
from tests.billing.test_disputes import decided, dispute_the_payment
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_refunds import paid_by_card
from tests.billing.test_refunds_at_stripe import give_back, refunds_of
from tests.billing.test_suspense import settle

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def at_stripe_now(billing: Billing) -> None:
    """Two hours go by, after which no news is on its way that would explain a refund."""
    assert await billing.parked() == []
    for _ in range(2):
        billing.step(HOUR)
        await billing.until_rest()
    assert await billing.parked() == []


@pytest.mark.parametrize("belongs_to", ["refunds", "bad_debt"])
async def test_what_is_no_whole_visit_of_a_package_waits_in_suspense_for_a_person(
    billing: Billing, dashboard: stripe.StripeClient, belongs_to: str
):
    patient = await bought_by_card(billing, units=2, price_cents=70000)
    [intent] = billing.at_stripe("payment_intents")
    made = await give_back(dashboard, intent["id"], 45000)
    await billing.until_rest()
    await at_stripe_now(billing)

    assert (await only_package(billing, patient))["left"] == 1
    books = await trial_balance(billing)
    assert (books["patient_credit"], books["suspense"]) == (35000, -10000)
    assert "refund_pending" not in books
    [shown] = await refunds_of(billing, {"patient_id": patient})
    assert (shown["amount_cents"], shown["beyond_cents"]) == (45000, 10000)
    billing.step(HOUR)
    assert (await reconciled(billing))["difference_cents"] == 0
    [found] = await breaks(billing)
    assert (found["kind"], found["reference"]) == ("refund_beyond", made.id)
    assert (found["found_cents"], "in whole visits" in found["detail"]) == (-10000, True)

    nowhere = await settle(billing, found["break_id"])
    assert nowhere.json()["violations"][0]["rule"] == "account_missing"
    settled = await settle(billing, found["break_id"], belongs_to=belongs_to)
    assert settled.is_success, settled.text

    books = await trial_balance(billing)
    assert (books[belongs_to], books.get("suspense", 0)) == (10000, 0)
    assert (await reconciled(billing))["breaks"] == 0


@pytest.mark.parametrize("settles", [False, True])
async def test_where_the_bank_sends_it_back_nothing_is_left_of_it(
    billing: Billing, dashboard: stripe.StripeClient, *, settles: bool
):
    patient = await bought_by_card(billing, "pm_card_refundFail", units=2, price_cents=70000)
    [intent] = billing.at_stripe("payment_intents")
    await give_back(dashboard, intent["id"], 45000)
    await billing.until_rest()
    await at_stripe_now(billing)
    await reconciled(billing)
    if settles:
        [found] = await breaks(billing)
        assert (await settle(billing, found["break_id"], belongs_to="refunds")).is_success

    billing.step(2 * DAY)
    await billing.until_rest()

    assert await billing.parked() == []
    assert (await only_package(billing, patient))["left"] == 2
    await reconciled(billing)
    assert await breaks(billing) == []
    books = await trial_balance(billing)
    assert {"suspense", "refunds", "refund_pending"} & set(books) == set()
    assert books["patient_credit"] == 70000
    purchase = (await only_package(billing, patient))["purchase_id"]
    assert (await refund_package(billing, purchase, 35000)).is_success


async def test_one_refund_of_what_pays_a_charge_and_of_what_waits_beside_it_is_of_both(
    billing: Billing, dashboard: stripe.StripeClient
):
    charge = await paid_by_card(billing)
    dispute = await dispute_the_payment(billing)
    await decided(billing, dispute, "lost")
    wish = {"tender": "cash", "reference": "R-77", "amount_cents": 30000}
    await billing.told("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)
    await decided(billing, dispute, "reversed")
    [waits] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert waits["left_cents"] == 30000

    await give_back(dashboard, charge["payment"]["reference"], 39900)
    await billing.until_rest()

    assert await billing.parked() == []
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["paid_cents"], found["owed_cents"]) == ("paid", 30000, 0)
    books = await trial_balance(billing)
    assert {"unmatched_money", "suspense", "refund_pending"} & set(books) == set()
    assert books["refunds"] == 9900
    billing.step(2 * HOUR)
    await reconciled(billing)
    assert await breaks(billing) == []


async def test_what_a_bank_gave_back_meanwhile_is_waited_for_before_it_is_called_too_much(
    billing: Billing, dashboard: stripe.StripeClient
):
    charge = await paid_by_card(billing)
    dispute = await dispute_the_payment(billing)
    await decided(billing, dispute, "lost")
    quiet = billing.world.fault("stripe", "drop", "charge.dispute.*", times=100)
    billing.world.bank_decides(dispute["id"], "reversed")
    await give_back(dashboard, charge["payment"]["reference"], 39900)
    await billing.until_rest()
    assert await refunds_of(billing, charge) == []
    billing.world.take_back(quiet)

    await at_stripe_now(billing)

    [shown] = await refunds_of(billing, charge)
    assert (shown["amount_cents"], shown["beyond_cents"], shown["state"]) == (39900, 0, "succeeded")
    await reconciled(billing)
    assert await breaks(billing) == []


@given(
    amount=st.integers(1, 100_000),
    paid=st.integers(1, 100_000),
    refunded=st.integers(0, 100_000),
    waits=st.integers(0, 100_000),
    pays_charge=st.booleans(),
    steps=st.none() | st.lists(st.integers(1, 100_000), max_size=3).map(tuple),
)
def test_every_cent_that_went_back_is_of_something_and_nothing_is_given_back_twice(
    amount: int, paid: int, refunded: int, waits: int, *, pays_charge: bool, steps: tuple[int, ...]
):
    refunded = min(paid, refunded)
    unapplied = min(waits, paid - refunded) if pays_charge else 0
    payment = Refundable(
        TenderKind.CARD,
        paid,
        refunded,
        pays_charge,
        unapplied_cents=unapplied,
        in_steps_cents=None if pays_charge else steps,
    )
    reason, parts = parts_at_stripe(payment, amount)
    assert parts.of_payment_cents + parts.unapplied_cents + parts.beyond_cents == amount
    assert min(parts.of_payment_cents, parts.unapplied_cents, parts.beyond_cents) >= 0
    if payment.in_steps_cents is not None:
        assert parts.of_payment_cents in {0, *payment.in_steps_cents}
    else:
        assert parts.of_payment_cents + parts.unapplied_cents <= payment.left_cents
        assert parts.beyond_cents == max(0, amount - payment.left_cents)
    if reason is RefundReason.NOTHING_OWED:
        assert parts.of_payment_cents <= unapplied
    else:
        assert parts.of_payment_cents <= max(payment.left_cents - unapplied, *(steps or (0,)), 0)
