"""Any weather between billing and Stripe: what was done is paid once, or on a list.

Weeks at random, with everything real: billing as a process that is killed at any moment, Kafka,
PostgreSQL, and the simulated Stripe over HTTP, which fails before and after its work, loses
answers, and tells late, twice, out of order or never, beside strangers who forge. The desk goes on
all the while. When the weather is over and a fortnight has gone by, the books are held against
what Stripe says it did.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from shared.auth import Role
from shared.clock import RunClock
from shared.ids import new_id
from tests.billing.conftest import OLD_WEBHOOK_SECRET, Billing
from tests.billing.process import elsewhere, publish
from tests.billing.test_notices import notice, post
from tests.support import leases
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics

STEPS = 60
PATIENTS = 3
A_FORTNIGHT = 14

BEFORE, AFTER = [409, 429, 500, 503], [500, 503]
CALLS = [
    "POST /v1/payment_intents",
    "POST /v1/refunds",
    "POST /v1/checkout/sessions",
    "GET /v1/payment_intents*",
    "GET /v1/events",
]
ISSUERS = [None, None, "insufficient_funds", "do_not_honor", "lost_card", "authentication_required"]
GOOD_CARD, POOR_CARD = "4242424242424242", "4000000000009995"
STALE = timedelta(minutes=-20)
FUTURE = timedelta(minutes=20)

CERTAIN = {"an_infusion_completes", "it_is_away_for_hours", "minutes_go_by"}

CHARGES = """
    SELECT c.infusion_id, c.amount_cents - c.paid_cents - c.forgiven_cents AS owed_cents,
           c.paid_cents,
           coalesce((SELECT sum(p.amount_cents - p.refunded_cents) FROM payments AS p
                      WHERE p.charge_id = c.charge_id), 0) AS kept_cents,
           coalesce((SELECT sum(CASE WHEN debit = 'patient_receivable' THEN t.amount_cents
                                     ELSE -t.amount_cents END) FROM ledger_transfers AS t
                      WHERE t.charge_id = c.charge_id
                        AND 'patient_receivable' IN (debit, credit)), 0) AS ledger_cents
      FROM charges AS c
"""
CARD_PAYMENTS = """
    SELECT reference, amount_cents, refunded_cents FROM payments WHERE tender = 'card'
"""
CLEARING = """
    SELECT coalesce(sum(CASE WHEN debit = 'stripe_clearing' THEN amount_cents
                             ELSE -amount_cents END), 0)
      FROM ledger_transfers WHERE 'stripe_clearing' IN (debit, credit)
       AND reason NOT IN ('stripe_fee', 'payout')
"""
LISTED = "SELECT infusion_id FROM charges UNION ALL SELECT infusion_id FROM uncharged_infusions"
PARKED = "SELECT kind FROM due_work WHERE state = 'parked'"


@dataclass(slots=True)
class Clinic:
    """Billing in its weather, as patients, desk, Stripe and strangers meet it."""

    process: ServiceProcess
    desk: Billing
    engine: AsyncEngine
    topics: Topics
    dice: random.Random
    patients: list[UUID] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    completed: list[UUID] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    async def open(self) -> None:
        await self.desk.set_fee()
        for _ in range(PATIENTS):
            self.patients.append(new_id())
            self.cards.append(await self.desk.save_card(self.patients[-1]))

    async def step(self) -> None:
        """One thing that can happen on a day."""
        happenings: dict[Callable[[], Awaitable[str]], int] = {
            self.an_infusion_completes: 8,
            self.minutes_go_by: 6,
            self.it_is_away_for_hours: 3,
            self.stripe_fails: 6,
            self.a_notice_goes_astray: 5,
            self.it_is_killed: 1,
            self.an_issuer_changes_its_mind: 3,
            self.cash_is_paid: 2,
            self.the_card_is_tried_again: 2,
            self.something_is_given_back: 3,
            self.something_is_given_up: 1,
            self.a_patient_pays_on_a_page: 3,
            self.a_stranger_forges: 2,
            self.stripe_tells_again: 2,
        }
        [happens] = self.dice.choices(list(happenings), list(happenings.values()))
        self.done[f"{happens.__name__} {await happens()}".strip()] += 1

    async def an_infusion_completes(self) -> str:
        event = self.desk.complete(self.dice.choice(self.patients))
        self.completed.append(event.infusion_id)
        await publish(self.topics, event, times=self.dice.choice([1, 1, 2]))
        return ""

    async def minutes_go_by(self) -> str:
        """With calls under way: no call lasts longer than the key's margin."""
        self.desk.step(timedelta(minutes=self.dice.choice([5, 20, 40])))
        return ""

    async def it_is_away_for_hours(self) -> str:
        self.process.kill()
        self.desk.step(timedelta(hours=self.dice.choice([1, 6, 20, 30, 60])))
        await self._comes_back()
        return ""

    async def stripe_fails(self) -> str:
        kind = self.dice.choice(["status_before", "status_after", "lost_answer", "notices_first"])
        status = {"status_before": BEFORE, "status_after": AFTER}.get(kind)
        more = {} if status is None else {"status": self.dice.choice(status)}
        call = self.dice.choice(CALLS)
        self.desk.world.fault("stripe", kind, call, times=self.dice.choice([1, 1, 2, 3]), **more)
        return kind

    async def a_notice_goes_astray(self) -> str:
        kind = self.dice.choice(
            ["duplicate", "reorder", "delay", "drop", "forged_signature", "future_timestamp"]
        )
        more = {"seconds": 7200.0} if kind in {"delay", "reorder"} else {}
        self.desk.world.fault("stripe", kind, times=self.dice.choice([1, 2]), **more)
        return kind

    async def it_is_killed(self) -> str:
        """At any moment; what it had in hand is taken up by whoever comes next."""
        self.process.kill()
        await self._comes_back()
        return ""

    async def an_issuer_changes_its_mind(self) -> str:
        self.desk.world.issuer_says(self.dice.choice(self.cards), self.dice.choice(ISSUERS))
        return ""

    async def cash_is_paid(self) -> str:
        cash = {
            "tender": "cash",
            "reference": f"till {self.dice.randrange(9)}",
            "amount_cents": self.dice.choice([5000, 39900]),
        }
        return await self._about_a_charge("outside-payments", cash)

    async def the_card_is_tried_again(self) -> str:
        return await self._about_a_charge("attempts", {})

    async def something_is_given_back(self) -> str:
        charge = await self._any_charge()
        payment = self.dice.choice((charge or {}).get("payments") or [None])
        back = {
            "amount_cents": self.dice.choice([1000, 39900]),
            "reason": self.dice.choice(["service_problem", "other_tender"]),
        }
        if payment is not None and payment["tender"] == "cash":
            back["reference"] = "till out"
        return await self._asked(payment and f"/payments/{payment['payment_id']}/refunds", back)

    async def something_is_given_up(self) -> str:
        wish = {"kind": "discount", "reason": "hardship", "amount_cents": 1000}
        return await self._about_a_charge("adjustments", wish)

    async def a_patient_pays_on_a_page(self) -> str:
        pages = self.desk.at_stripe("checkout_sessions")
        open_ = [page["url"] for page in pages if page["status"] == "open"]
        if not open_:
            return "unasked"
        card = self.dice.choice([GOOD_CARD, GOOD_CARD, POOR_CARD])
        return str(self.desk.world.patient_pays(self.dice.choice(open_), card))

    async def a_stranger_forges(self) -> str:
        """Signed by nobody, or long ago, or not yet."""
        intents = self.desk.at_stripe("payment_intents")
        about = self.dice.choice([one["id"] for one in intents] or ["pi_of_nobody"])
        body = notice("payment_intent.succeeded", about, id=f"evt_forged_{new_id().hex}")
        how: dict[str, Any] = self.dice.choice(
            [{"secret": "whsec_of_a_stranger"}, {"skew": STALE}, {"skew": FUTURE}]
        )
        assert (await post(self.desk, body, **how)).status_code == httpx.codes.BAD_REQUEST
        return ""

    async def stripe_tells_again(self) -> str:
        """Something that was told before, under the older of two secrets."""
        told = [one for one in self.desk.world.state()["webhooks"] if one["system"] == "stripe"]
        if not told:
            return "unasked"
        body = self.dice.choice(told)["body"].encode()
        assert (await post(self.desk, body, secret=OLD_WEBHOOK_SECRET)).is_success
        return ""

    async def _comes_back(self) -> None:
        await leases.run_out(self.engine)
        self.process.start()
        await self.process.until_ready()

    async def _any_charge(self) -> dict[str, Any] | None:
        charges = await self.desk.charges(self.dice.choice(self.patients))
        return self.dice.choice(charges) if charges else None

    async def _about_a_charge(self, noun: str, body: object) -> str:
        charge = await self._any_charge()
        return await self._asked(charge and f"/charges/{charge['charge_id']}/{noun}", body)

    async def _asked(self, path: str | None, body: object) -> str:
        """The desk asks; it may be refused, and never by a fault."""
        if path is None:
            return "unasked"
        answer = await self.desk.ask("POST", path, body, role=Role.BILLER)
        assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text
        return "" if answer.is_success else "refused"

    async def the_weather_is_over(self) -> None:
        """Nothing fails any more, and all that falls due in a fortnight is done."""
        for fault in self.desk.world.faults():
            self.desk.world.take_back(fault["fault_id"])
        for _ in range(A_FORTNIGHT):
            await self.rests()
            self.desk.step(timedelta(days=1))
        await self.rests()

    async def rests(self) -> None:
        async def all_rests() -> bool:
            told = (await self.process.get("/health/rest")).json()
            return bool(told["at_rest"] and self.desk.world.rest()["at_rest"])

        await eventually(all_rests, within_s=90.0)

    async def rows(self, query: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(text(query)))


@pytest.fixture
async def clinic(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: ClaimDesk,
    topics: Topics,
    tmp_path: Path,
    seed: int,
) -> AsyncIterator[Clinic]:
    async with elsewhere(running_world, world, database, scheduling, topics, tmp_path) as billing:
        process = billing[0]
        world.notify(stripe=f"{process.url}/webhooks/stripe")
        process.start()
        await process.until_ready()
        dice = random.Random(seed)  # noqa: S311  # a disorder that can be had again
        yield Clinic(*billing, topics, dice)


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_fails_the_books_end_as_stripe_did_it(clinic: Clinic, seed: int):
    await clinic.open()
    for _ in range(STEPS):
        await clinic.step()
    assert clinic.done.keys() >= CERTAIN, "weeks in which nothing happens prove nothing"
    await clinic.the_weather_is_over()

    assert sorted(row.infusion_id for row in await clinic.rows(LISTED)) == sorted(clinic.completed)
    for charge in await clinic.rows(CHARGES):
        assert charge.kept_cents == charge.paid_cents
        assert charge.ledger_cents == charge.owed_cents >= 0

    intents = {one["id"]: one for one in clinic.desk.at_stripe("payment_intents")}
    taken = [one for one in clinic.desk.at_stripe("charges") if one["paid"]]
    tries = Counter(intents[one["payment_intent"]]["metadata"].get("attempt_id") for one in taken)
    assert set(tries.values()) <= {1}, "a try took money twice"

    came = {row.reference: row for row in await clinic.rows(CARD_PAYMENTS)}
    assert {one["payment_intent"]: one["amount"] for one in taken} == {
        intent: row.amount_cents for intent, row in came.items()
    }
    went = [one for one in clinic.desk.at_stripe("refunds") if one["status"] == "succeeded"]
    back = Counter[str]()
    for one in went:
        back[one["payment_intent"]] += one["amount"]
    assert dict(back) == {
        intent: row.refunded_cents for intent, row in came.items() if row.refunded_cents
    }
    assert all(row.refunded_cents <= row.amount_cents for row in came.values())

    [[clearing]] = await clinic.rows(CLEARING)
    assert clearing == sum(one["amount"] for one in taken) - sum(back.values())
    assert await clinic.rows(PARKED) == []
