"""Cards charged for completed infusions: by billing's workers, and one after another.

A round of billing's begins when its infusions are said and ends when the last payment is stored.
What is taken is counted at Stripe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.figures import Rate
from bench.load import infusions_completed
from bench.money.stripe import payments_taken
from bench.practice import Stage
from bench.sizes import Sizes
from bench.ways import one_by_one
from services.billing.gateways.payments import Order
from services.billing.gateways.stripe import Stripe, StripePayments
from shared.clock import real_now
from shared.ids import new_id

_ROUND = """
SELECT count(*) FILTER (WHERE state = 'captured') AS captured,
       extract(epoch FROM max(decided_at) - min(created_at)) AS took_s
  FROM payment_attempts WHERE created_at >= $1
"""
_CARDS = """
SELECT stripe_customer_id, stripe_payment_method_id FROM cards JOIN customers USING (patient_id)
"""


@dataclass(frozen=True, slots=True)
class Charges:
    """Charges per second, both ways."""

    workers: Rate
    one_by_one: Rate

    @property
    def ratio(self) -> float:
        return self.workers.median / self.one_by_one.median


async def measure(
    stage: Stage,
    plain_database: str,
    patients: Sequence[UUID],
    sizes: Sizes,
    step: Callable[[], object],
) -> Charges:
    """Both ways, round by round in turn. `step` is called after each."""
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(sizes.rounds):
        rates[0].append(await _by_workers(stage, patients, sizes.charges))
        step()
        rates[1].append(await _one_by_one(stage, plain_database, sizes.charges_one_by_one))
        step()
    return Charges(Rate(tuple(rates[0])), Rate(tuple(rates[1])))


async def _by_workers(stage: Stage, patients: Sequence[UUID], count: int) -> float:
    """Charges per second, from the first try's row to the last payment's."""
    before, since = await payments_taken(stage), stage.practice.clock.now()
    await stage.say(infusions_completed(count, patients))
    await stage.until_quiet()
    [found] = await stage.ask_billing(_ROUND, since)
    taken = len(await payments_taken(stage)) - len(before)
    if (found["captured"], taken) != (count, count):
        raise AssertionError(
            f"of {count} infusions {found['captured']} are paid, and Stripe took {taken} payments"
        )
    return count / float(found["took_s"])


async def _one_by_one(stage: Stage, plain_database: str, count: int) -> float:
    orders = await _orders(stage, count)
    stripe = Stripe(stage.practice.plan.keys.stripe_key, api_base=stage.stripe_url)
    try:
        return count / await one_by_one.charge(plain_database, StripePayments(stripe), orders)
    finally:
        await stripe.aclose()


async def _orders(stage: Stage, count: int) -> list[Order]:
    """Payments of the same cards."""
    cards = await stage.ask_billing(_CARDS)
    return [
        Order(
            attempt_id=new_id(),
            amount_cents=100,
            customer_id=card["stripe_customer_id"],
            payment_method_id=card["stripe_payment_method_id"],
            created_at=real_now(),
            is_agreed=True,
            is_held=False,
            look_first=False,
        )
        for card in (cards[number % len(cards)] for number in range(count))
    ]
