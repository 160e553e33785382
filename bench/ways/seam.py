"""The house's way: consumer, seam, unit of work and relay, put together as a service does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord

from bench.ways.stage import Stage, running
from services.billing.events import on
from shared.clock import SystemClock
from shared.db import create_engine
from shared.messaging import UnitOfWork
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.seam import Seam


class TimedSeam(Seam):
    """The seam, with a stage that is told of the first record."""

    stage: Stage

    async def take(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        self.stage.begins()
        await super().take(records)


async def charge(stage: Stage) -> float:
    """Charge what waits on the stage; seconds from first record to last acknowledgement."""
    engine = create_engine(stage.database_url, pool_size=12)
    work = UnitOfWork(engine, SystemClock(), on, topic_prefix=stage.prefix)
    seam = TimedSeam(on, work)
    seam.stage = stage
    consumer = Consumer(seam, [stage.topic], bootstrap_servers=stage.bootstrap_servers)
    relay = Relay(work, stage.producer)
    try:
        async with running(consumer.run, relay.run):
            return await stage.finished()
    finally:
        await engine.dispose()
