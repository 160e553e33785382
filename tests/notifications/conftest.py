"""Notifications on a real database, a simulated Twilio and SMTP relay, and a claim desk."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.postgres import Database
from services.notifications.tables import Base
from shared.clock import RunClock
from shared.db import create_engine
from shared.vault import Vault
from tests.notifications.house import TOKEN_SECRET, House
from tests.notifications.process import Process
from tests.notifications.stories import Story
from tests.support.claim_check import ClaimDesk, claim_desk
from tests.support.outside_world import OutsideWorld, world_at
from tests.support.templates import Templates
from tests.support.topics import Topics

STARTS_AT = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
"""A Monday, 9:00 AM EST. The clock goes on from test to test: count from `house.clock.now()`."""


@pytest.fixture(scope="session")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock]]:
    with world_at(STARTS_AT, tmp_path_factory.mktemp("outside")) as started:
        yield started


@pytest.fixture
def world(running_world: tuple[OutsideWorld, RunClock]) -> OutsideWorld:
    """The outside world with nothing in it, and nobody who listens."""
    return running_world[0].begin()


@pytest.fixture
async def scheduling() -> AsyncIterator[ClaimDesk]:
    async with claim_desk(TOKEN_SECRET) as desk:
        yield desk


@pytest.fixture
async def migrated(templates: Templates) -> AsyncIterator[Database]:
    """A database with notifications' tables, for one test."""
    async with templates.copied("notifications", Base.metadata) as database:
        yield database


@pytest.fixture
async def house(
    migrated: Database,
    world: OutsideWorld,
    running_world: tuple[OutsideWorld, RunClock],
    scheduling: ClaimDesk,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """The service without Kafka: what it hears is handed to its seam."""
    engine = create_engine(migrated.url)
    vault = Vault("k1:" + base64.b64encode(b"1" * 32).decode())
    house = House(engine, running_world[1], world, scheduling, vault)
    async with house.working():
        yield house
    await engine.dispose()


@pytest.fixture
def story(house: House) -> Story:
    """A patient and a place that scheduling knows."""
    story = Story(house.clock.now())
    house.scheduling.has_patient(story.patient_id)
    house.scheduling.has_location(story.location_id)
    return story


@pytest.fixture
async def process_at_rest(
    migrated: Database,
    topics: Topics,
    world: OutsideWorld,
    scheduling: ClaimDesk,
    tmp_path: Path,
) -> AsyncIterator[Process]:
    """The service as a process of its own, not started yet."""
    process = Process(migrated, topics, world, scheduling.url, tmp_path)
    yield process
    process.stop()


@pytest.fixture
def course(running_world: tuple[OutsideWorld, RunClock], scheduling: ClaimDesk) -> Story:
    """A patient and a place that scheduling knows, for the process."""
    story = Story(running_world[1].now())
    scheduling.has_patient(story.patient_id)
    scheduling.has_location(story.location_id)
    return story
