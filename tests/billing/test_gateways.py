"""Stripe asked through its official client, on the simulated Stripe: how long a call may take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from services.billing.events import on
from services.billing.gateways.cards import CustomerOrder
from services.billing.gateways.stripe import Stripe, StripeCards
from services.billing.gateways.stripe.client import CALL_LIMIT_S, REQUESTS_MAX, TIME_LIMIT_S
from services.billing.work import CapturePayment, CreateCustomer, CreateSetupIntent
from shared.clock import RunClock
from shared.errors import Retry
from shared.ids import new_id
from shared.settings import PracticeSettings
from tests.billing.conftest import STARTS_AT
from tests.support.outside_world import STRIPE_KEY, OutsideWorld

LIMIT_S = 0.5


@pytest.fixture
async def cards(world: OutsideWorld) -> AsyncIterator[StripeCards]:
    stripe = Stripe(STRIPE_KEY, api_base=world.stripe_url, time_limit_s=LIMIT_S)
    yield StripeCards(stripe)
    await stripe.aclose()


def test_a_call_of_slow_requests_fits_its_limit_and_that_fits_the_lease():
    lease_s = PracticeSettings.model_fields["work_lease_s"].default
    assert REQUESTS_MAX * TIME_LIMIT_S < CALL_LIMIT_S < lease_s - TIME_LIMIT_S
    for work in (CapturePayment, CreateCustomer, CreateSetupIntent):
        assert on.calls[work.kind].time_limit_s == CALL_LIMIT_S


async def test_when_stripe_hangs_a_call_ends_after_its_requests(
    world: OutsideWorld, cards: StripeCards
):
    order = CustomerOrder(new_id(), STARTS_AT, look_first=False)
    world.fault("stripe", "hang", "* /v1/customers", seconds=60, times=100)

    for look_first in (True, False):
        began = monotonic()
        with pytest.raises(Retry):
            await cards.create_customer(replace(order, look_first=look_first))
        assert monotonic() - began < 10  # two requests, on a loaded machine


async def test_a_list_whose_every_page_is_slow_is_one_request(
    world: OutsideWorld, cards: StripeCards
):
    for _ in range(101):
        await cards.create_customer(CustomerOrder(new_id(), STARTS_AT, look_first=False))
    world.fault("stripe", "slow", "GET /v1/customers", ms=int(LIMIT_S * 700), times=100)

    with pytest.raises(Retry):  # it would end if each page had the limit for itself
        await cards.create_customer(CustomerOrder(new_id(), STARTS_AT, look_first=True))


async def test_what_stripe_made_is_found_although_its_clock_is_behind_ours(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    cards: StripeCards,
):
    ours = running_world[1].now() + timedelta(minutes=59)
    order = CustomerOrder(new_id(), ours, look_first=False)
    made = await cards.create_customer(order)
    world.fault("stripe", "status_before", "POST /v1/customers", times=100)

    assert await cards.create_customer(replace(order, look_first=True)) == made
