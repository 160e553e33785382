"""Plain FastStream: a typed handler; one transaction and one offset commit per event.

The decider, its statements, the inbox and the relay are the same as in the seam's way.
"""

from __future__ import annotations

from uuid import UUID

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy import text

from bench.ways.stage import Stage, running
from services.billing.events import on
from services.billing.handlers.charges.posting import charge_for_infusion
from services.billing.store.visits import load_on_file
from shared.clock import SystemClock
from shared.db import create_engine
from shared.events.scheduling import InfusionCompleted
from shared.messaging import UnitOfWork
from shared.messaging.relay import Relay

_CLAIM = text(
    "INSERT INTO inbox (consumer, event_id, processed_at) VALUES ('billing', :event_id, :at)"
    " ON CONFLICT DO NOTHING"
)


async def charge(stage: Stage) -> float:
    """Charge what waits on the stage; seconds from first record to last acknowledgement."""
    engine = create_engine(stage.database_url, pool_size=12)
    work = UnitOfWork(engine, SystemClock(), on, topic_prefix=stage.prefix)
    broker = KafkaBroker(stage.bootstrap_servers, logger=None)

    @broker.subscriber(
        stage.topic,
        group_id=stage.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        no_reply=True,
    )
    async def charge_one(event: InfusionCompleted, message: KafkaMessage) -> None:
        stage.begins()
        event_id = UUID(message.headers["ce_id"])
        async with work.transaction(
            correlation_id=UUID(message.headers["ce_correlationid"]), causation_id=event_id
        ) as tx:
            claimed = await tx.execute(_CLAIM, {"event_id": event_id, "at": tx.now})
            if claimed.rowcount:
                [on_file] = await load_on_file(tx, [event])
                await charge_for_infusion(event, tx, on_file)

    relay = Relay(work, stage.producer)
    try:
        async with broker, running(relay.run):
            await broker.start()
            return await stage.finished()
    finally:
        await engine.dispose()
