"""One infusion's story: from its commit to the call that charges the card, and to the text.

Billing and notifications run as processes of their own against the simulated outside world. A
delay runs from the moment the event's transaction asks for the commit to the moment at which the
call leaves, which the services' own traces tell: every event carries a trace of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from bench.charging import FEE_CENTS
from bench.commits import mark, noted
from bench.figures import Latency
from bench.footprint import resident_mb
from bench.ground import Ground
from bench.load import SPEAKER, batched
from bench.relay import all_left, steadily
from bench.scheduling import answering
from bench.sizes import Sizes
from bench.ways.stage import running
from deploy.local.client import Practice
from deploy.local.demo.quiet import Listener
from deploy.local.demo.world import World
from deploy.local.installation import Installation, Plan
from deploy.local.installation.keys import Keys
from shared.auth import Role
from shared.clock import SystemClock, real_now
from shared.db import create_engine
from shared.events.base import Event
from shared.events.scheduling import (
    InfusionCompleted,
    PatientDischarged,
    PatientRegistered,
    VisitType,
)
from shared.ids import new_id
from shared.messaging import UnitOfWork
from shared.messaging.relay import Relay
from shared.messaging.runtime import make_producer
from shared.telemetry import child_of

INFUSIONS_PER_S = (1, 50)
PATIENTS = 60
DESKS = 6
"""How many cards are saved at a time."""
SPANS_WITHIN_S = 30.0
"""Spans are written every five seconds, later on a busy machine."""

NO_DRIVING = timedelta(hours=6)  # clinic FAQ
CARD = "4242424242424242"
POOL = 40  # infusions complete on time even when those before them are late
SETTLES_WITHIN_S = 60.0
LOOKS_EVERY_S = 0.2

Call = tuple[str, str]
"""The gateway of a call, and its name."""

CHARGE: Call = ("Payments", "capture")
MESSAGE: Call = ("Texts", "send")


@dataclass(frozen=True, slots=True)
class Told:
    """What was measured at one rate."""

    infusions_per_s: float
    for_s: float
    charge: Latency
    message: Latency


@dataclass(frozen=True, slots=True)
class Story:
    told: tuple[Told, ...]
    memory_mb: dict[str, float]
    """Resident memory of each process, after the story."""

    @property
    def busiest(self) -> Told:
        return self.told[-1]


async def measure(ground: Ground, sizes: Sizes, step: Callable[[], object]) -> Story:
    """Tell the story at each rate. `step` is called after each."""
    plan = Plan(
        ground.folder / "practice",
        Keys(),
        clinic_name="Made Up Clinic",
        clinic_phone="+12025550100",
        topic_prefix="story.",
        database_prefix="story_",
    )
    engine = create_engine(await ground.scheduling(), pool_size=POOL)
    try:
        async with answering(SystemClock()) as scheduling_url:
            plan = _traced(plan, scheduling_url)
            async with Installation(
                plan,
                starts_at=real_now(),
                rate=1,
                kafka=ground.kafka,
                postgres=ground.postgres,
            ) as practice:
                return await _tell(practice, engine, sizes, step)
    finally:
        await engine.dispose()


def _traced(plan: Plan, scheduling_url: str) -> Plan:
    """The same plan with traces written and claim checks asked of the bench."""
    for service in ("billing", "notifications"):
        plan = replace(
            plan,
            extra={
                **plan.extra,
                service: {
                    "PRACTICE_TRACE_FILE": str(_traces(plan, service)),
                    "PRACTICE_LOG_LEVEL": "error",
                    f"{service.upper()}_SCHEDULING_URL": scheduling_url,
                },
            },
        )
    return plan


def _traces(plan: Plan, service: str) -> Path:
    return plan.folder / f"{service}.trace"


async def _tell(
    practice: Installation, engine: AsyncEngine, sizes: Sizes, step: Callable[[], object]
) -> Story:
    plan = practice.plan
    assert practice.kafka is not None
    servers = practice.kafka.bootstrap_servers
    work = UnitOfWork(engine, practice.clock, SPEAKER, topic_prefix=plan.topic_prefix)
    relay = Relay(work, lambda: make_producer(servers))
    teller = Teller(work)
    async with running(relay.run), Listener(practice.state()) as listener:
        patients = [new_id() for _ in range(PATIENTS)]
        await _prepare(practice, work, patients)
        await teller.tell(1, 1.0, patients)  # the place and the contacts are redeemed
        await all_left(engine)
        await listener.until_quiet()
        rounds: list[tuple[float, float, dict[str, datetime], dict[str, datetime]]] = []
        for rate, for_s in zip(INFUSIONS_PER_S, sizes.story_s, strict=True):
            rounds.append((rate, for_s, *await teller.tell(rate, for_s, patients)))
            await all_left(engine)
            await listener.until_quiet()
            step()
        memory_mb = resident_mb(practice)
        told = [
            Told(
                rate,
                for_s,
                await _delays(completed, _traces(plan, "billing"), CHARGE),
                await _delays(discharged, _traces(plan, "notifications"), MESSAGE),
            )
            for rate, for_s, completed, discharged in rounds
        ]
    return Story(tuple(told), memory_mb)


class Teller:
    """Says what scheduling would, each event under a trace of its own."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def tell(
        self, infusions_per_s: float, for_s: float, patients: list[UUID]
    ) -> tuple[dict[str, datetime], dict[str, datetime]]:
        """Complete infusions at a steady rate and discharge their patients.

        Answers when each asked for its commit, by trace: the infusions, and the discharges.
        """
        completed: set[str] = set()
        with noted(self._work.engine) as asked:

            async def happen(event: InfusionCompleted) -> None:
                completed.add(await self._say(event))
                await self._say(_discharged(event))

            await steadily(happen, for_s, events_per_s=infusions_per_s, patients=patients)
        return (
            {trace: at for trace, at in asked.items() if trace in completed},
            {trace: at for trace, at in asked.items() if trace not in completed},
        )

    async def _say(self, event: Event) -> str:
        """Say one event; answers the id of its trace."""
        traceparent = child_of(None)
        trace_id = traceparent.split("-")[1]
        async with self._work.transaction(traceparent=traceparent) as tx:
            tx.publish(event)
            mark(tx, trace_id)
        return trace_id


def _discharged(event: InfusionCompleted) -> PatientDischarged:
    return PatientDischarged(
        patient_id=event.patient_id,
        appointment_id=event.appointment_id,
        infusion_id=event.infusion_id,
        location_id=event.location_id,
        discharged_at=event.stopped_at,
        no_drive_until=event.stopped_at + NO_DRIVING,
    )


async def _prepare(practice: Installation, work: UnitOfWork, patients: list[UUID]) -> None:
    """A fee in force, and patients with a card on file whose contact is known."""
    keys, state = practice.plan.keys, practice.state()
    assert state.outside is not None
    async with (
        Practice(state) as desk,
        World(
            state.outside, knowledge=keys.signing_knowledge, token_code=keys.signing_token_code
        ) as world,
    ):
        fee = {
            "visit_type": VisitType.KETAMINE_MOOD.value,
            "amount_cents": FEE_CENTS,
            "effective_from": "2026-01-01",
        }
        await desk.post("billing", "/fees", fee, role=Role.OPS)
        async with work.transaction() as tx:
            for patient_id in patients:
                tx.publish(PatientRegistered(patient_id=patient_id, registered_at=tx.now))
        for some in batched(patients, DESKS):
            await asyncio.gather(*(_save_card(desk, world, patient_id) for patient_id in some))


async def _save_card(desk: Practice, world: World, patient_id: UUID) -> None:
    """The front desk asks for a card, and the patient's browser confirms it with Stripe."""
    path = f"/patients/{patient_id}/card-setups"
    setup = await desk.post("billing", path, {}, role=Role.FRONT_DESK)
    path = f"{path}/{setup['setup_id']}"
    ready = await _until(desk, path, "ready")
    await world.confirm_card(
        CARD, client_secret=ready["client_secret"], publishable_key=ready["publishable_key"]
    )
    await _until(desk, path, "saved")


async def _until(desk: Practice, path: str, state: str) -> dict[str, Any]:
    async with asyncio.timeout(SETTLES_WITHIN_S):
        while True:
            setup = dict(await desk.get("billing", path, role=Role.FRONT_DESK))
            if setup["state"] == state:
                return setup
            await asyncio.sleep(LOOKS_EVERY_S)


async def _delays(asked: dict[str, datetime], trace_file: Path, call: Call) -> Latency:
    """From each commit to the departure of the call that it led to, once all are written."""
    left: dict[str, datetime] = {}
    async with asyncio.timeout(SPANS_WITHIN_S):
        while not asked.keys() <= left.keys():
            await asyncio.sleep(LOOKS_EVERY_S)
            left = _departures(trace_file, call)
    return Latency.of_seconds([(left[trace] - at).total_seconds() for trace, at in asked.items()])


def _departures(trace_file: Path, call: Call) -> dict[str, datetime]:
    """When the first call of this kind left, by trace."""
    left: dict[str, datetime] = {}
    for span in _spans(trace_file):
        told = span["attributes"]
        if span["name"] == "gateway_call" and (told["vendor"], told["kind"]) == call:
            at = datetime.fromisoformat(span["start_time"])
            trace_id = span["context"]["trace_id"].removeprefix("0x")
            left[trace_id] = min(at, left.get(trace_id, at))
    return left


def _spans(trace_file: Path) -> Iterator[dict[str, Any]]:
    """The spans that are written whole."""
    with trace_file.open() as lines:
        yield from (json.loads(line) for line in lines if line.endswith("}\n"))
