"""By hand: a loop of aiokafka and asyncpg that makes the same reads and writes, batch by batch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID
from zlib import crc32

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer

from bench.ways.stage import Stage, connect, running
from shared.clock import real_now
from shared.ids import new_id

BATCH = 500

Row = tuple[UUID, str, dict[str, str], bytes]


async def charge(stage: Stage) -> float:
    """Charge what waits on the stage; seconds from first record to last acknowledgement."""
    committed: asyncio.Queue[list[Row]] = asyncio.Queue(maxsize=8)
    async with running(lambda: _decide(stage, committed), lambda: _publish(stage, committed)):
        return await stage.finished()


async def _decide(stage: Stage, committed: asyncio.Queue[list[Row]]) -> None:
    consumer = AIOKafkaConsumer(
        stage.topic,
        bootstrap_servers=stage.bootstrap_servers,
        group_id="handwritten",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=5,
    )
    database = await connect(stage.database_url)
    await consumer.start()
    try:
        while True:
            found = await consumer.getmany(timeout_ms=20, max_records=BATCH)
            records = [record for some in found.values() for record in some]
            if not records:
                continue
            stage.begins()
            async with database.transaction():
                rows = await _write(database, stage, records)
            await consumer.commit()
            await committed.put(rows)
    finally:
        await consumer.stop()
        await database.close()


async def _write(database, stage: Stage, records) -> list[Row]:
    now = real_now()
    heard = {}
    for record in records:
        headers = dict(record.headers)
        if headers["ce_type"] == b"scheduling.InfusionCompleted":
            heard[UUID(headers["ce_id"].decode())] = (headers, orjson.loads(record.value))
    fresh = await database.fetch(
        "INSERT INTO inbox (consumer, event_id, processed_at)"
        " SELECT 'billing', e, $2 FROM unnest($1::uuid[]) AS e"
        " ON CONFLICT DO NOTHING RETURNING event_id",
        list(heard),
        now,
    )
    mine = [(i["event_id"], *heard[i["event_id"]]) for i in fresh]
    fees = await database.fetch(
        "SELECT visit_type, effective_from, amount_cents FROM fees ORDER BY effective_from DESC"
    )
    tenders = dict(
        await database.fetch(
            "SELECT appointment_id, tender FROM tenders WHERE appointment_id = ANY($1::uuid[])",
            [UUID(event["appointment_id"]) for _, _, event in mine],
        )
    )
    charges, attempts, works, outs = [], [], [], []
    stamp = now.isoformat()
    for event_id, headers, event in mine:
        day = datetime.fromisoformat(event["stopped_at"]).date()
        amount = next(
            c for kind, start, c in fees if kind == event["visit_type"] and start <= day
        )
        charge_id, attempt_id = new_id(), new_id()
        appointment = UUID(event["appointment_id"])
        charges.append(
            (charge_id, UUID(event["patient_id"]), UUID(event["infusion_id"]), appointment, amount)
        )
        correlation = headers["ce_correlationid"].decode()
        if tenders.get(appointment, "card") == "card":
            attempts.append((attempt_id, charge_id))
            works.append(
                (
                    new_id(),
                    orjson.dumps({"attempt_id": attempt_id}).decode(),
                    UUID(correlation),
                    event_id,
                )
            )
        out_id = new_id()
        outs.append(
            (
                out_id,
                event["patient_id"],
                {
                    "ce_specversion": "1.0",
                    "ce_id": str(out_id),
                    "ce_source": "/practice/billing",
                    "ce_type": "billing.ChargePosted",
                    "ce_time": stamp,
                    "ce_subject": event["patient_id"],
                    "ce_dataschema": "urn:practice:event:billing.ChargePosted:1",
                    "content-type": "application/json",
                    "ce_correlationid": correlation,
                    "ce_causationid": str(event_id),
                },
                orjson.dumps(
                    {
                        "patient_id": event["patient_id"],
                        "charge_id": charge_id,
                        "infusion_id": event["infusion_id"],
                        "amount_cents": amount,
                        "currency": "USD",
                        "posted_at": stamp,
                    }
                ),
            )
        )
    await database.execute(
        "INSERT INTO charges SELECT c, p, i, a, m, 'open', $6"
        " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[]) AS r (c,p,i,a,m)",
        *zip(*charges, strict=True),
        now,
    )
    await database.execute(
        "INSERT INTO attempts SELECT a, c, 'started', $3 FROM unnest($1::uuid[], $2::uuid[]) AS r (a, c)",
        *zip(*attempts, strict=True),
        now,
    )
    await database.execute(
        "INSERT INTO due_work (work_id, kind, payload, due_at, correlation_id, causation_id)"
        " SELECT w, 'CapturePayment', p, $5, c, k"
        " FROM unnest($1::uuid[], $2::jsonb[], $3::uuid[], $4::uuid[]) AS r (w, p, c, k)",
        *zip(*works, strict=True),
        now,
    )
    await database.execute(
        "INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at)"
        " SELECT e, $6, k, s, h, p, $7"
        " FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::jsonb[], $5::bytea[])"
        "      AS r (e, k, s, h, p)",
        [o[0] for o in outs],
        [o[1] for o in outs],
        [crc32(o[1].encode()) % 16 for o in outs],
        [orjson.dumps(o[2]).decode() for o in outs],
        [o[3] for o in outs],
        stage.prefix + "billing",
        now,
    )
    return outs


async def _publish(stage: Stage, committed: asyncio.Queue[list[Row]]) -> None:
    producer = stage.producer()
    database = await connect(stage.database_url)
    await producer.start()
    topic = stage.prefix + "billing"
    try:
        while True:
            rows = await committed.get()
            await asyncio.gather(
                *[
                    await producer.send(
                        topic,
                        value=payload,
                        key=key.encode(),
                        headers=[(name, value.encode()) for name, value in headers.items()],
                    )
                    for _, key, headers, payload in rows
                ]
            )
            await database.execute(
                "WITH sent AS (DELETE FROM outbox WHERE event_id = ANY($1::uuid[])"
                " RETURNING seq, event_id, topic, key, slot, headers, payload)"
                " INSERT INTO event_log (seq, event_id, topic, key, slot, headers, payload, published_at)"
                " SELECT seq, event_id, topic, key, slot, headers, payload, $2 FROM sent",
                [row[0] for row in rows],
                real_now(),
            )
    finally:
        await producer.stop()
        await database.close()
