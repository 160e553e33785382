"""What happens at Stripe before billing hears of the money it is about."""

from __future__ import annotations

import stripe

from services.billing.rules.notices import CATCH_UP_EVERY
from shared.events.billing import PaymentCaptured, RefundIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_pay_links import linked, url_of
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_refunds_at_stripe import give_back
from tests.support.eventually import eventually


async def test_a_refund_that_is_heard_of_before_its_payment_is_booked_after_it(
    billing: Billing, dashboard: stripe.StripeClient
):
    await billing.save_card(new_id())  # somebody else's: the list is gone through from there on
    patient, charge = await linked(billing)
    lost = billing.world.fault("stripe", "drop", "any", times=100)
    billing.world.patient_pays(await url_of(billing, charge))
    await billing.until_rest()
    billing.world._ask("DELETE", f"/faults/{lost}")
    [intent] = [one for one in billing.at_stripe("payment_intents") if one["amount_received"]]
    await give_back(dashboard, intent["id"], 10000)
    await billing.until_rest()

    for _ in range(3):
        billing.step(CATCH_UP_EVERY)
        await eventually(lambda: billing.said(PaymentCaptured))
        await billing.until_rest()
    await reconciled(billing)  # finds what the books lack, and has Stripe asked
    await reconciled(billing)

    found = await billing.only_charge(patient)
    assert (found["state"], found["payments"][0]["refunded_cents"]) == ("paid", 10000)
    assert len(await billing.said(RefundIssued)) == 1
    assert await breaks(billing) == []


async def test_a_page_that_is_paid_before_any_patient_has_a_card_is_found_in_the_list(
    billing: Billing,
):
    patient, charge = await linked(billing)
    billing.world.fault("stripe", "drop", "any", times=100)
    billing.world.patient_pays(await url_of(billing, charge))
    await billing.until_rest()

    billing.step(CATCH_UP_EVERY)

    await eventually(lambda: billing.said(PaymentCaptured))
    assert (await billing.only_charge(patient))["state"] == "paid"
