"""A pharmacy that runs once for all tests here; every test brings a series of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.kafka.topics import prefixed
from deploy.local.ground import Kafka
from deploy.local.postgres import Database, Postgres
from services.pharmacy.events import on
from services.pharmacy.tables import Base
from shared.clock import FixedClock
from shared.db import create_engine, migrate
from shared.messaging.transaction import UnitOfWork
from shared.vault import Vault
from tests.pharmacy.practice import TOKEN_SECRET, VAULT_KEYS, Practice
from tests.pharmacy.room import Room
from tests.pharmacy.test_rules import NOW
from tests.support.claim_check import claim_desk
from tests.support.outside_world import world_at
from tests.support.service_process import ServiceProcess
from tests.support.topics import Topics

STARTS_AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday, ten in the morning at the clinic


@contextlib.asynccontextmanager
async def practice_in(folder: Path, postgres: Postgres, kafka: Kafka) -> AsyncIterator[Practice]:
    """Everything that a pharmacy needs, and no process of it yet."""
    database = await postgres.create_database(f"pharmacy_{uuid4().hex[:10]}")
    engine = create_engine(database.url)
    topics = Topics(f"t{uuid4().hex[:8]}.", kafka.bootstrap_servers)
    await kafka.create_topics(prefixed(topics.prefix))
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await producer.start()
    with world_at(STARTS_AT, folder) as (world, clock):
        async with (
            claim_desk(TOKEN_SECRET) as scheduling,
            httpx.AsyncClient(timeout=10, trust_env=False) as http,
        ):
            practice = Practice(
                database,
                engine,
                topics,
                folder / "clock",
                clock,
                world,
                scheduling,
                producer,
                folder,
                http,
            )
            yield practice
            practice.stop()
    await producer.stop()
    await engine.dispose()
    await kafka.delete_topics(prefixed(topics.prefix))
    await postgres.drop_database(database.name)


@pytest.fixture(scope="session")
async def running_practice(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, kafka: Kafka
) -> AsyncIterator[Practice]:
    async with practice_in(tmp_path_factory.mktemp("pharmacy"), postgres, kafka) as practice:
        await practice.start()
        yield practice


@pytest.fixture
async def replica(practice: Practice) -> AsyncIterator[ServiceProcess]:
    """A second process of the same service, for one test."""
    process = await practice.start()
    yield process
    process.stop()


@pytest.fixture
async def practice(running_practice: Practice) -> AsyncIterator[Practice]:
    """The running practice, at rest before the next test begins."""
    await running_practice.drop_faults()
    yield running_practice
    await running_practice.until_idle(within_s=60)


@pytest.fixture(scope="module")
async def room(module_database: Database) -> AsyncIterator[Room]:
    engine = create_engine(module_database.url)
    await migrate(engine, "pharmacy", Base.metadata)
    yield Room(UnitOfWork(engine, FixedClock(NOW), on, vault=Vault(VAULT_KEYS)))
    await engine.dispose()
