"""What a person sees of Stripe on the world's page."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import stripe

from tests.outside.conftest import Steps
from tests.outside.stripe_calls import pay, pay_link
from tests.support.outside_world import OutsideWorld


def _section(page: str, anchor: str) -> str:
    """The words of one section, without markup."""
    found = re.search(f'<section id="{anchor}".*?</section>', page, re.DOTALL)
    assert found is not None, anchor
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


async def test_the_page_shows_where_the_money_is(
    stripe_client: stripe.StripeClient, world: OutsideWorld, http: httpx.AsyncClient, steps: Steps
):
    intent, charge = await pay(stripe_client)
    await steps.by(timedelta(days=7))
    await stripe_client.v1.refunds.create_async(
        {"payment_intent": intent, "amount": 10000, "reason": "requested_by_customer"}
    )
    world.bank_disputes(charge, amount_cents=20000, reason="product_not_received")
    link = await pay_link(stripe_client, name="Your <b>balance</b>")

    page = (await http.get(world.url)).text

    assert "$399.00" in _section(page, "charges")
    assert "disputed" in _section(page, "charges")
    assert "$100.00 succeeded requested by customer" in _section(page, "refunds")
    disputed = _section(page, "disputes")
    assert "$200.00 -$215.00 needs response product not received" in disputed
    assert "$387.13 paid" in _section(page, "payouts")
    assert "-$315.00 is still at Stripe" in _section(page, "payouts")
    assert "Your &lt;b&gt;balance" in _section(page, "checkout")
    assert f'href="/stripe/checkout/{link.id}"' in page
    assert "<script" not in page


async def test_with_nothing_there_the_page_says_so(world: OutsideWorld, http: httpx.AsyncClient):
    page = (await http.get(world.url)).text
    assert "No pay page was ever made." in page
    assert "No payment is disputed." in page
    assert "Nothing was paid out yet." in page
