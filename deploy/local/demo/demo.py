"""A whole demonstration: an installation, a clinic lived through, and the verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.local.client import Practice
from deploy.local.demo.expected import Expected, expect
from deploy.local.demo.happened import Happened, look, parked
from deploy.local.demo.heard import Heard, ear
from deploy.local.demo.life import Life
from deploy.local.demo.people import People
from deploy.local.demo.plan import plan
from deploy.local.demo.quiet import Listener
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.verdict import Line, compare, nothing_parked
from deploy.local.demo.world import World
from deploy.local.export.records import Clinic
from deploy.local.installation import Installation

BEFORE_ANYBODY_COMES = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Lived:
    """What a clinic's export led to."""

    people: People
    expected: dict[str, Expected]
    happened: dict[str, Happened]
    truth: dict[str, Any]
    heard: list[Heard]
    lines: list[Line]
    leaps: int

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as the rules have it, in words."""
        return [
            *(f"{line.about}: {what}" for line in self.lines for what in line.wrong),
            *self.people.surprises,
        ]


def begins_at(clinic: Clinic) -> datetime:
    """The moment at which the clock of a run starts: shortly before the first thing happens."""
    moments = [patient.registered_at for patient in clinic.patients.values()]
    moments += [fault.ordered_at for fault in clinic.faults]
    return min(moments) - BEFORE_ANYBODY_COMES


@asynccontextmanager
async def driver(
    clinic: Clinic, running: Installation, console: Console
) -> AsyncIterator[tuple[Life, People, Practice, World]]:
    """Everything that it takes to live through a clinic's export on a running installation."""
    state, keys = running.state(), running.plan.keys
    zones = {key: clinic.zone_of(patient) for key, patient in clinic.patients.items()}
    timeline = Timeline(console, running.clock, clinic.patients, zones)
    async with AsyncExitStack() as stack:
        practice = await stack.enter_async_context(Practice(state))
        world = await stack.enter_async_context(
            World(
                state.outside or "",
                knowledge=keys.signing_knowledge,
                token_code=keys.signing_token_code,
            )
        )
        listener = await stack.enter_async_context(Listener(state))
        listening = await stack.enter_async_context(
            ear(state.bootstrap_servers, state.topic_prefix)
        )
        people = People(clinic, practice, world, timeline)
        life = Life(running.clock, plan(people), people, listener, listening, timeline, world)
        yield life, people, practice, world


async def live_through(
    clinic: Clinic, running: Installation, console: Console, superbills: Path
) -> Lived:
    """Live through a clinic's export and compare what happened with what must have."""
    expected = expect(clinic)
    async with driver(clinic, running, console) as (life, people, practice, world):
        await life.live(max(one.last_at for one in expected.values()))
        truth = await world.truth()
        happened = await look(people, practice, truth, superbills)
        waiting = await parked(practice)
    lines = [
        line
        for key, wanted in expected.items()
        for line in compare(wanted, happened[key], clinic.zone_of(wanted.patient))
    ]
    lines.append(nothing_parked(waiting))
    return Lived(people, expected, happened, truth, life.heard, lines, life.leaps)
