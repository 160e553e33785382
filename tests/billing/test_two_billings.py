"""Two billings on one database, in one consumer group, killed in turn: each thing is done once.

Both are real processes on real Kafka. Patients are treated, Stripe tells, the desk gives back, and
all the while one of the two is killed and comes back, and then the other. Who asks and is not
answered asks the other one, under the same key.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from deploy.local.processes import free_port
from services.billing.rules.notices import CATCH_UP_EVERY
from shared.clock import RunClock
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.process import elsewhere, everything_said, publish
from tests.billing.test_ledger import trial_balance
from tests.support import leases
from tests.support.claim_check import ClaimDesk
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics

DEATHS = 6
FEE_CENTS, BACK_CENTS = 39900, 1000  # together below what a second person must see
CAPTURES = "POST /v1/payment_intents"

UNDER_WAY = "SELECT 1 FROM due_work WHERE state = 'running'"
UNFINISHED = "SELECT kind, state, error_code FROM due_work WHERE state IN ('parked', 'running')"
CHARGES = "SELECT infusion_id, charge_id, paid_cents, forgiven_cents FROM charges"
SUPERBILLS = """
    SELECT charge_id, number, array_agg(version ORDER BY version) AS versions,
           array_agg(superbill_id ORDER BY version) AS superbill_ids
      FROM superbills JOIN superbill_documents USING (superbill_id) GROUP BY charge_id, number
"""


@dataclass(slots=True)
class Twins:
    """Two replicas of billing, the desk at both, and what is asked of them."""

    replicas: list[ServiceProcess]
    desks: list[Billing]
    engine: AsyncEngine
    topics: Topics
    treated: list[InfusionCompleted] = field(default_factory=list)
    refunded: list[UUID] = field(default_factory=list)

    @property
    def desk(self) -> Billing:
        """At a replica that lives."""
        return next(desk for at, desk in enumerate(self.desks) if self.replicas[at].runs)

    async def start(self, which: int) -> None:
        self.replicas[which].start()
        await self.replicas[which].until_ready()

    def webhooks_go_to(self, which: int) -> None:
        self.desk.world.notify(stripe=f"{self.replicas[which].url}/webhooks/stripe")

    async def treat(self, patient: UUID) -> None:
        """An infusion that is completed, and told twice."""
        event = self.desk.complete(patient)
        self.treated.append(event)
        await publish(self.topics, event, times=2)

    async def give_back(self, event: InfusionCompleted, *, at: int) -> None:
        """A part of a payment; who is not answered by one replica asks the other."""
        paid = "SELECT p.payment_id FROM payments AS p JOIN charges USING (charge_id)"
        query = f"{paid} WHERE infusion_id = '{event.infusion_id}'"
        await eventually(lambda: self.rows(query), within_s=60)
        [payment] = await self.rows(query)
        path, key = f"/payments/{payment.payment_id}/refunds", str(new_id())
        wish = {"amount_cents": BACK_CENTS, "reason": "service_problem"}
        self.refunded.append(event.infusion_id)

        async def is_taken() -> bool:
            for desk in (self.desks[at], self.desks[1 - at]):
                with contextlib.suppress(httpx.TransportError):
                    answer = await desk.ask("POST", path, wish, key=key)
                    assert "refund_id" in answer.json(), answer.text
                    return True
            return False

        await eventually(is_taken, within_s=30)

    async def rest(self) -> None:
        async def all_rest() -> None:
            assert await self.rows(UNFINISHED) == []
            for replica in self.replicas:
                told = (await replica.get("/health/rest")).json()
                assert told["at_rest"], told
            assert self.desk.world.rest()["at_rest"]

        await eventually(all_rest, within_s=60)

    async def rows(self, query: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(text(query)))


@pytest.fixture
async def twins(
    running_world: tuple[OutsideWorld, RunClock, Path],
    world: OutsideWorld,
    database: Database,
    scheduling: ClaimDesk,
    topics: Topics,
    tmp_path: Path,
) -> AsyncIterator[Twins]:
    async with AsyncExitStack() as stack:
        one, desk, engine = await stack.enter_async_context(
            elsewhere(running_world, world, database, scheduling, topics, tmp_path)
        )
        other = replace(one, log=tmp_path / "other.log", port=free_port(), process=None)
        stack.callback(other.stop)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=other.url, timeout=20, trust_env=False)
        )
        desks = [desk, replace(desk, url=other.url, http=http)]
        twins = Twins([one, other], desks, engine, topics)
        for which in (0, 1):
            await twins.start(which)
        yield twins


@pytest.mark.real_kafka
async def test_two_billings_killed_in_turn_do_each_thing_once(twins: Twins):
    desk = twins.desk
    patients = [new_id() for _ in range(3)]
    twins.webhooks_go_to(1)
    await desk.set_fee()
    for patient in patients:
        await desk.save_card(patient)
    await twins.treat(patients[2])
    desk.world.fault("stripe", "slow", CAPTURES, ms=300, times=1000)

    for death in range(DEATHS):
        victim = death % 2
        for patient in patients[:2]:
            await twins.treat(patient)
        await eventually(lambda: twins.rows(UNDER_WAY), within_s=30, every_s=0.01)
        asking = asyncio.create_task(twins.give_back(twins.treated[3 * death], at=victim))
        await asyncio.sleep(0)
        twins.replicas[victim].kill()
        await leases.run_out(twins.engine)
        if victim:
            twins.webhooks_go_to(0)  # else Stripe goes on telling the dead one
        await twins.treat(patients[2])
        await asking
        await twins.start(victim)

    twins.webhooks_go_to(0)
    await twins.rest()
    desk.step(CATCH_UP_EVERY)
    await twins.rest()

    charges = {row.infusion_id: row for row in await twins.rows(CHARGES)}
    assert sorted(charges) == sorted(one.infusion_id for one in twins.treated)
    assert len(charges) == len(await twins.rows(CHARGES)) == 1 + 3 * DEATHS
    taken = Counter(one["payment_intent"] for one in desk.at_stripe("charges") if one["paid"])
    assert set(taken.values()) == {1}
    assert desk.money_taken() == [FEE_CENTS] * len(charges)
    assert len(desk.at_stripe("payment_intents")) == len(charges)

    back = Counter(one["payment_intent"] for one in desk.at_stripe("refunds"))
    assert set(back.values()) == {1}
    assert len(back) == len(twins.refunded) == DEATHS
    for infusion_id, charge in charges.items():
        cents = BACK_CENTS if infusion_id in twins.refunded else 0
        assert (charge.paid_cents, charge.forgiven_cents) == (FEE_CENTS - cents, cents)

    bills = {row.charge_id: row for row in await twins.rows(SUPERBILLS)}
    assert len({row.number for row in bills.values()}) == len(bills) == len(charges)
    for infusion_id, charge in charges.items():
        bill = bills[charge.charge_id]
        told_back = infusion_id in twins.refunded
        assert bill.versions in ([1], [1, 2] if told_back else [1])
        newest = (await desk.told("GET", f"/superbills/{bill.superbill_ids[-1]}"))["superbill"]
        assert newest["refunded_cents"] == (BACK_CENTS if told_back else 0)

    assert await trial_balance(desk) == {
        "stripe_clearing": FEE_CENTS * len(charges) - BACK_CENTS * DEATHS,
        "refunds": BACK_CENTS * DEATHS,
        "revenue_infusion": FEE_CENTS * len(charges),
    }
    headers = [dict(one.headers) for one in await everything_said(twins.topics)]
    told = Counter({one["ce_id"]: one["ce_type"].decode() for one in headers}.values())
    for fact in ("ChargePosted", "PaymentCaptured", "SuperbillIssued"):
        assert told[f"billing.{fact}"] == len(charges), fact
    assert told["billing.RefundIssued"] == DEATHS
    corrected = [bill for bill in bills.values() if bill.versions == [1, 2]]
    assert told["billing.SuperbillCorrected"] == len(corrected) > 0
