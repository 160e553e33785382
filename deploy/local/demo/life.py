"""The clock that leaps: from rest to rest, to the next moment at which something is to be done.

It never leaps while anything is under way, so what a service does at a moment bears that moment.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from deploy.local.demo.agenda import Act, Agenda
from deploy.local.demo.heard import Ear, Heard
from deploy.local.demo.people import People
from deploy.local.demo.quiet import Listener, Quiet
from deploy.local.demo.setting_up import set_up
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.world import World
from shared.clock import RunClock

OUTSIDE_AT_ONCE = timedelta(seconds=4)
"""The carrier tells of a text after one and three seconds: one leap for both."""

AFTERWARDS = timedelta(hours=6)
"""How long after the last thing that is expected a run still looks for what is too much.

Services ask vendors again for as long as an answer is open, so waiting for silence has no end.
"""


class Life:
    """Lives an agenda through."""

    def __init__(
        self,
        clock: RunClock,
        agenda: Agenda,
        people: People,
        listener: Listener,
        ear: Ear,
        timeline: Timeline,
        world: World,
    ) -> None:
        self.leaps = 0
        self.heard: list[Heard] = []
        """Every event of the run, in the order of their moments."""
        self._clock = clock
        self._agenda = agenda
        self._people = people
        self._listener = listener
        self._ear = ear
        self._timeline = timeline
        self._world = world
        self._moves = -1
        self._befallen: dict[int, int] = {}
        """How often each fault of the outside world has been told to have happened."""

    async def live(self, last_expected_at: datetime) -> None:
        """Go on until nothing is left to come, or what is expected has long had its moment."""
        self._timeline.legend()
        await set_up(self._people)
        while True:
            quiet = await self._rest()
            leap = self._next(quiet, last_expected_at + AFTERWARDS)
            if leap is None:
                return
            self._clock.step_to(leap)
            self.leaps += 1
            await self._act(self._agenda.due(leap))

    def _next(self, quiet: Quiet, horizon: datetime) -> datetime | None:
        own = [at for at in (self._agenda.next_at(), quiet.services_due) if at is not None]
        soonest = min(own, default=None)
        outside = quiet.outside_due
        if outside is not None and (soonest is None or outside < soonest):
            several = outside + OUTSIDE_AT_ONCE
            soonest = several if soonest is None else min(several, soonest)
        acts_left = self._agenda.next_at() is not None
        if soonest is None or (soonest > horizon and not acts_left):
            return None
        return max(soonest, self._clock.now())

    async def _rest(self) -> Quiet:
        """Wait for rest; tell what was done, went wrong and was said since the last one."""
        quiet = await self._listener.until_quiet()
        await self._look_for_faults()
        if quiet.moves != self._moves:
            self._moves = quiet.moves
            fresh = await self._ear.fresh()
            self.heard += fresh
            texts = await self._world.texts() if self._timeline.wants_words(fresh) else []
            self._timeline.events(fresh, texts)
        self._timeline.tell()
        return quiet

    async def _look_for_faults(self) -> None:
        """Tell what went wrong outside since the last look, as it was ordered to."""
        ordered = [
            fault for fault in self._people.clinic.faults if fault.ordered_at <= self._clock.now()
        ]
        if sum(fault.times for fault in ordered) == sum(self._befallen.values()):
            return
        for fault in await self._world.faults():
            fresh = fault["done"] - self._befallen.get(fault["fault_id"], 0)
            if fresh:
                self._befallen[fault["fault_id"]] = fault["done"]
                self._timeline.befell(fault["system"], fault["kind"], fault.get("status"), fresh)

    async def _act(self, acts: dict[str | None, list[Act]]) -> None:
        """The world's acts first, then all patients' side by side, each patient's in order."""
        for act in acts.pop(None, []):
            await act.do()

        async def one_patient(row: list[Act]) -> None:
            for act in row:
                await act.do()

        await asyncio.gather(*(one_patient(row) for row in acts.values()))
