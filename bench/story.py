"""One infusion's story: from its commit to the call that charges the card, and to the text.

Billing and notifications run as processes of their own against the simulated outside world. A
delay runs from the moment the event's transaction asks for the commit to the moment at which the
call leaves, which the services' own traces tell: every event carries a trace of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.commits import mark, noted
from bench.figures import Latency
from bench.footprint import resident_mb
from bench.ground import Ground
from bench.practice import Stage, practice_of
from bench.relay import steadily
from bench.sizes import Sizes
from shared.events.base import Event
from shared.events.scheduling import InfusionCompleted, PatientDischarged
from shared.ids import new_id
from shared.telemetry import child_of

INFUSIONS_PER_S = (1, 50)
PATIENTS = 60
SPANS_WITHIN_S = 30.0
"""Spans are written every five seconds, later on a busy machine."""

NO_DRIVING = timedelta(hours=6)  # clinic FAQ
LOOKS_EVERY_S = 0.2
TRACED = ("billing", "notifications")

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
    async with practice_of(ground, "story", traced=TRACED) as stage:
        return await _tell(stage, sizes, step)


async def _tell(stage: Stage, sizes: Sizes, step: Callable[[], object]) -> Story:
    teller = Teller(stage)
    patients = [new_id() for _ in range(PATIENTS)]
    await stage.take_in(patients)
    await teller.tell(1, 1.0, patients)  # the place and the contacts are redeemed
    await stage.until_quiet()
    rounds: list[tuple[float, float, dict[str, datetime], dict[str, datetime]]] = []
    for rate, for_s in zip(INFUSIONS_PER_S, sizes.story_s, strict=True):
        rounds.append((rate, for_s, *await teller.tell(rate, for_s, patients)))
        await stage.until_quiet()
        step()
    await stage.check_billed()
    memory_mb = resident_mb(stage.practice)
    told = [
        Told(
            rate,
            for_s,
            await _delays(completed, stage.traces("billing"), CHARGE),
            await _delays(discharged, stage.traces("notifications"), MESSAGE),
        )
        for rate, for_s, completed, discharged in rounds
    ]
    return Story(tuple(told), memory_mb)


class Teller:
    """Says what scheduling would, each event under a trace of its own."""

    def __init__(self, stage: Stage) -> None:
        self._work = stage.work
        self._records = stage.records

    async def tell(
        self, infusions_per_s: float, for_s: float, patients: list[UUID]
    ) -> tuple[dict[str, datetime], dict[str, datetime]]:
        """Complete infusions at a steady rate and discharge their patients.

        Answers when each asked for its commit, by trace: the infusions, and the discharges.
        """
        completed: set[str] = set()
        with noted(self._work.engine) as asked:

            async def happen(event: InfusionCompleted) -> None:
                self._records.keep(event)
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
