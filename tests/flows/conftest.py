"""A patient's story: their part of the shipped clinic, lived through by all four services.

Each file is about one patient, whom it names in `PATIENT`, and gets an installation of its own on
the session's broker and database server.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from rich.console import Console
from sqlalchemy import text

from deploy.local.cli.run import SHIPPED_CLINIC
from deploy.local.demo.demo import Lived, begins_at, live_through
from deploy.local.demo.happened import Happened, Note
from deploy.local.export import Clinic, read_clinic
from deploy.local.ground import Kafka
from deploy.local.installation import SERVICES, Installation, Plan
from deploy.local.installation.keys import Keys
from deploy.local.postgres import Postgres
from shared.db import create_engine
from shared.events import Event
from shared.events.notifications import Channel, Purpose

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Story:
    """One patient's course after the last thing has happened. Everything still runs."""

    patient: str
    clinic: Clinic
    running: Installation
    lived: Lived
    printed: str

    @property
    def happened(self) -> Happened:
        return self.lived.happened[self.patient]

    @property
    def truth(self) -> dict[str, Any]:
        """What the simulated outside world holds."""
        return self.lived.truth

    def charges(self, status: str = "succeeded") -> list[int]:
        """The amounts of Stripe's charges of one outcome, oldest first."""
        return [one["amount"] for one in self.truth["stripe"]["charges"] if one["status"] == status]

    def said(self, kind: type[E]) -> list[E]:
        """The events of a type, in the order of their moments."""
        return [one.event for one in self.lived.heard if isinstance(one.event, kind)]

    def sent_at(self, purpose: Purpose) -> list[str]:
        """When messages of a purpose left, on the clock of the clinic's wall."""
        messages = [one for one in self.happened.messages if one.purpose is purpose]
        return [self.local(message.at) for message in sorted(messages)]

    def notes(self, channel: Channel, at: str) -> list[Note]:
        """What reached the patient at a local time."""
        return [
            note
            for note in self.happened.notes
            if note.channel is channel and self.local(note.at) == at
        ]

    def local(self, moment: datetime) -> str:
        zone = self.clinic.zone_of(self.clinic.patients[self.patient])
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    async def rows(self, service: str, sql: str) -> list[tuple[Any, ...]]:
        """What a service's database answers."""
        engine = create_engine(self.running.databases[service].url, pool_size=1)
        try:
            async with engine.connect() as connection:
                return [tuple(row) for row in await connection.execute(text(sql))]
        finally:
            await engine.dispose()

    async def nothing_is_left_over(self) -> None:
        """No event waits to leave, no work has failed, nothing waits for a person."""
        for service in SERVICES:
            left = await self.rows(
                service,
                "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM parked_events),"
                " (SELECT count(*) FROM due_work WHERE state <> 'waiting')",
            )
            assert left == [(0, 0, 0)], service


@pytest.fixture(scope="module")
async def story(
    request: pytest.FixtureRequest, kafka: Kafka, postgres: Postgres, tmp_path_factory: Any
) -> AsyncIterator[Story]:
    patient: str = request.module.PATIENT
    clinic = read_clinic(SHIPPED_CLINIC).only(patient)
    folder: Path = tmp_path_factory.mktemp(patient)
    location = next(iter(clinic.locations.values()))
    mark = f"f{uuid4().hex[:8]}"
    plan = Plan(
        folder,
        Keys(),
        clinic_name=location.name,
        clinic_phone=location.phone,
        topic_prefix=f"{mark}.",
        database_prefix=f"{mark}_",
    )
    printed = io.StringIO()
    running = Installation(
        plan, starts_at=begins_at(clinic), rate=0, kafka=kafka, postgres=postgres
    )
    async with running:
        console = Console(file=printed, width=100)
        lived = await live_through(clinic, running, console, folder / "superbills")
        yield Story(patient, clinic, running, lived, printed.getvalue())
