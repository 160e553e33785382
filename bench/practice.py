"""A whole practice to measure in: its processes, the outside world, and a scheduling stood in for.

Booking, ride, check-in and start are not what is measured, so the bench says what scheduling would
say at the end of them, over a real outbox and relay.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.bare import connect
from bench.charging import FEE_CENTS
from bench.ground import Ground
from bench.load import SPEAKER, batched
from bench.relay import all_left
from bench.scheduling import Records, answering
from bench.ways.stage import running
from deploy.local.client import Practice
from deploy.local.demo.quiet import Listener
from deploy.local.demo.world import World
from deploy.local.installation import Installation, Plan
from deploy.local.installation.keys import Keys
from deploy.local.installation.plan import OUTSIDE
from shared.auth import Role
from shared.clock import real_now
from shared.db import create_engine
from shared.events.base import Event
from shared.events.scheduling import PatientRegistered, VisitType
from shared.messaging import UnitOfWork
from shared.messaging.relay import Relay
from shared.messaging.runtime import make_producer

DESKS = 6
"""How many cards are saved at a time."""
CARD = "4242424242424242"
POOL = 40  # infusions complete on time even when those before them are late
SETTLES_WITHIN_S = 60.0
LOOKS_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Stage:
    """A running practice, and what scheduling says and answers in it."""

    practice: Installation
    work: UnitOfWork
    records: Records
    desk: Practice
    world: World
    listener: Listener

    @property
    def billing_database(self) -> str:
        return self.practice.databases["billing"].url

    @property
    def stripe_url(self) -> str:
        return f"{self.practice.plan.url(OUTSIDE)}/stripe"

    def traces(self, service: str) -> Path:
        """Where a traced service writes its spans."""
        return _traces(self.practice.plan.folder, service)

    async def say(self, events: Iterable[Event]) -> None:
        """Say events, many in one transaction."""
        for some in batched(events):
            async with self.work.transaction() as tx:
                for event in some:
                    tx.publish(event)

    async def take_in(self, patients: Sequence[UUID]) -> None:
        """Have patients whose contact is known and who have a card on file, and a fee in force."""
        fee = {
            "visit_type": VisitType.KETAMINE_MOOD.value,
            "amount_cents": FEE_CENTS,
            "effective_from": "2026-01-01",
        }
        await self.desk.post("billing", "/fees", fee, role=Role.OPS)
        await self.say(
            PatientRegistered(patient_id=patient_id, registered_at=self.practice.clock.now())
            for patient_id in patients
        )
        for some in batched(patients, DESKS):
            await asyncio.gather(*map(self._save_card, some))

    async def until_quiet(self) -> None:
        """Wait until all that was said is heard, and all that followed is done."""
        await all_left(self.work.engine)
        await self.listener.until_quiet()

    async def ask_billing(self, query: str, *values: object) -> list[Any]:
        """Rows of billing's own database."""
        connection = await connect(self.billing_database)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def check_billed(self) -> None:
        """Raise if an infusion was charged and is not paid, with its superbill, or was parked."""
        [found] = map(dict, await self.ask_billing(_BILLED))
        if found["parked"] or len({found["charges"], found["paid"], found["superbills"]}) != 1:
            raise AssertionError(f"not every infusion was paid and billed: {found}")

    async def _save_card(self, patient_id: UUID) -> None:
        """The front desk asks for a card, and the patient's browser confirms it with Stripe."""
        path = f"/patients/{patient_id}/card-setups"
        setup = await self.desk.post("billing", path, {}, role=Role.FRONT_DESK)
        path = f"{path}/{setup['setup_id']}"
        ready = await self._until(path, "ready")
        agreed = {"text_id": ready["mandate_text"]["text_id"], "way": "hosted_page"}
        await self.desk.post("billing", f"{path}/mandate", agreed, role=Role.FRONT_DESK)
        await self.world.confirm_card(
            CARD, client_secret=ready["client_secret"], publishable_key=ready["publishable_key"]
        )
        await self._until(path, "saved")

    async def _until(self, path: str, state: str) -> dict[str, Any]:
        async with asyncio.timeout(SETTLES_WITHIN_S):
            while True:
                setup = dict(await self.desk.get("billing", path, role=Role.FRONT_DESK))
                if setup["state"] == state:
                    return setup
                await asyncio.sleep(LOOKS_EVERY_S)


_BILLED = """
SELECT (SELECT count(*) FROM charges) AS charges,
       (SELECT count(*) FROM charges WHERE state = 'paid') AS paid,
       (SELECT count(*) FROM superbill_documents) AS superbills,
       (SELECT count(*) FROM due_work WHERE state = 'parked') AS parked
"""


@asynccontextmanager
async def practice_of(
    ground: Ground, name: str, *, traced: Collection[str] = ()
) -> AsyncIterator[Stage]:
    """A practice in a corner of the ground of its own; gone afterwards."""
    engine = create_engine(await ground.scheduling(), pool_size=POOL)
    records = Records()
    try:
        async with (
            answering(records) as scheduling_url,
            Installation(
                _plan(ground, name, scheduling_url, traced),
                starts_at=real_now(),
                rate=1,
                kafka=ground.kafka,
                postgres=ground.postgres,
            ) as practice,
        ):
            work = UnitOfWork(engine, practice.clock, SPEAKER, topic_prefix=f"{name}.")
            relay = Relay(work, lambda: make_producer(ground.kafka.bootstrap_servers))
            async with running(relay.run), _asked(practice) as (desk, world, listener):
                yield Stage(practice, work, records, desk, world, listener)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _asked(practice: Installation) -> AsyncIterator[tuple[Practice, World, Listener]]:
    """The clients of those who work with a practice."""
    keys, state = practice.plan.keys, practice.state()
    assert state.outside is not None
    factors = {"knowledge": keys.signing_knowledge, "token_code": keys.signing_token_code}
    async with (
        Practice(state) as desk,
        World(state.outside, **factors) as world,
        Listener(state) as listener,
    ):
        yield desk, world, listener


def _plan(ground: Ground, name: str, scheduling_url: str, traced: Collection[str]) -> Plan:
    """Billing and notifications ask the bench for what scheduling would know."""
    folder = ground.folder / name
    extra = {
        service: {
            "PRACTICE_LOG_LEVEL": "error",
            f"{service.upper()}_SCHEDULING_URL": scheduling_url,
        }
        | ({"PRACTICE_TRACE_FILE": str(_traces(folder, service))} if service in traced else {})
        for service in ("billing", "notifications")
    }
    return Plan(
        folder,
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="+12025550100",
        topic_prefix=f"{name}.",
        database_prefix=f"{name}_",
        extra=extra,
    )


def _traces(folder: Path, service: str) -> Path:
    return folder / f"{service}.trace"
