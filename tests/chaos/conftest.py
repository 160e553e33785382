"""One clinic for a module: its database, its topics, its outside party."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.kafka.topics import prefixed
from deploy.local.ground import Kafka
from deploy.local.postgres import Database
from tests.chaos.clinic import Clinic


@pytest.fixture(scope="module")
async def clinic(
    kafka: Kafka, module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clinic]:
    prefix = f"c{uuid4().hex[:8]}."
    await kafka.create_topics(prefixed(prefix))
    folder: Path = tmp_path_factory.mktemp("clinic")
    clinic = await Clinic.on(module_database, kafka.bootstrap_servers, prefix, folder)
    yield clinic
    await clinic.close()
    await kafka.delete_topics(prefixed(prefix))
