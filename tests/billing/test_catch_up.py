"""Webhooks that never come: what Stripe would have told is found in its list of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.billing.handlers.notices import take_listed
from services.billing.rules.notices import CATCH_UP_EVERY, KEPT_FOR, OVERLAP, next_window
from services.billing.work import NoticesListed
from shared.events.billing import CardSaved, PaymentCaptured
from shared.http.webhooks import Notice
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.support.eventually import eventually

NOW = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)


async def test_a_card_that_a_patient_saved_while_no_webhook_came_is_found_within_the_hour(
    billing: Billing,
):
    patient = new_id()
    billing.world.fault("stripe", "drop", "any", times=100)
    setup = await billing.start_setup(patient)
    assert (await billing.confirm_in_browser(setup, "pm_card_visa")).is_success
    await billing.until_rest()
    assert await billing.said(CardSaved) == []

    billing.step(CATCH_UP_EVERY)

    await eventually(lambda: billing.said(CardSaved))
    await billing.until_rest()
    assert await billing.rows("SELECT 1 FROM webhooks WHERE kind = 'setup_intent.succeeded'")
    assert len(await billing.said(CardSaved)) == 1
    assert await billing.parked() == []


async def test_an_outage_of_ten_days_is_gone_through_to_its_end(billing: Billing):
    """The answer to a charge is lost, and so is all that Stripe tells afterwards."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.until_rest()
    billing.world.fault("stripe", "drop", "any", times=100)
    billing.world.fault("stripe", "lost_answer", "POST /v1/payment_intents")
    silent = billing.world.fault("stripe", "status_before", "* /v1/payment_intents", times=100_000)
    deaf = billing.world.fault("stripe", "status_before", "GET /v1/events", times=100_000)
    await billing.hear(billing.complete(patient))
    await eventually(lambda: len(billing.money_taken()) == 1)
    billing.step(timedelta(days=10))
    for fault in (silent, deaf):
        billing.world._ask("DELETE", f"/faults/{fault}")

    await billing.until_rest(within_s=60)

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert len(await billing.said(PaymentCaptured)) == 1
    assert billing.money_taken() == [39900]
    [seen] = await billing.rows("SELECT seen_until FROM notices_seen")
    assert billing.clock.now() - seen.seen_until < CATCH_UP_EVERY
    kinds = {row.kind for row in await billing.rows("SELECT kind FROM webhooks")}
    assert "payment_intent.succeeded" in kinds


async def test_what_a_webhook_told_is_not_taken_again_from_the_list(billing: Billing):
    notice = Notice("evt_made_up", "setup_intent.succeeded", "seti_made_up")
    for until in (NOW, NOW - timedelta(hours=2), NOW):
        async with billing.service.runtime.work.transaction() as tx:
            await take_listed(NoticesListed(until=until, notices=(notice, notice)), tx)

    assert len(await billing.rows("SELECT 1 FROM webhooks WHERE notice_id = 'evt_made_up'")) == 1
    [seen] = await billing.rows("SELECT seen_until FROM notices_seen")
    assert seen.seen_until >= NOW  # it never goes back


@pytest.mark.parametrize(
    ("behind", "since"),
    [
        (timedelta(), NOW - OVERLAP),
        (timedelta(hours=1), NOW - timedelta(hours=1) - OVERLAP),
        (timedelta(days=40), NOW - KEPT_FOR),
    ],
)
def test_stripe_is_asked_for_what_it_still_has(behind: timedelta, since: datetime):
    window = next_window(NOW - behind, NOW)
    assert window.since == since
    assert window.since < window.until <= NOW


def test_each_stretch_ends_later_than_the_one_before_until_it_ends_now():
    seen = NOW - timedelta(days=45)
    for _ in range(1000):
        if seen == NOW:
            return
        until = next_window(seen, NOW).until
        assert until > seen
        seen = until
    raise AssertionError("it never ends")
