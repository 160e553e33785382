"""What a run of the bench stands on: a durable PostgreSQL of its own and the best broker here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import MetaData

from deploy.kafka.topics import prefixed
from deploy.local.ground import Kafka, find_kafka
from deploy.local.postgres import Database, EmbeddedPostgres, Postgres
from shared.db import create_engine, migrate


@dataclass(frozen=True, slots=True)
class Ground:
    """Servers, and a folder for the logs of whatever is started on them."""

    postgres: Postgres
    kafka: Kafka
    folder: Path

    async def database(self, service: str, metadata: MetaData) -> Database:
        """A fresh database of a service, migrated."""
        database = await self.postgres.create_database(f"{service}_{uuid4().hex[:10]}")
        engine = create_engine(database.url, pool_size=1)
        try:
            await migrate(engine, service, metadata)
        finally:
            await engine.dispose()
        return database

    async def scheduling(self) -> str:
        """A database with the tables that every service has, for one that only speaks; its URL."""
        return (await self.database("none", MetaData())).url

    async def topics(self) -> str:
        """Fresh topics, one per producing service; answers their prefix."""
        prefix = f"bench-{uuid4().hex[:8]}."
        await self.kafka.create_topics(prefixed(prefix))
        return prefix


@contextmanager
def started(say: Callable[[str], None]) -> Iterator[Ground]:
    """Start both servers; they and everything they keep are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="practice-bench-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder / "pg", durable=True)
    try:
        postgres.start()
        kafka = find_kafka(folder / "kafka", say)
        try:
            yield Ground(postgres, kafka, folder)
        finally:
            kafka.stop()
    finally:
        postgres.destroy()
        shutil.rmtree(folder, ignore_errors=True)
