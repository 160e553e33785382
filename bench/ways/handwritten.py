"""By hand: a loop of aiokafka and asyncpg that makes the same reads and writes, batch by batch.

It is what a hurried expert would write for this one event. It has the inbox and the outbox, so it
loses and doubles nothing; it has no parking, no retries, no order across replicas, no traces. What
is not to be charged at once, for a package, a hold or a payer, it looks for and leaves out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer

from bench.bare import connect
from bench.ways.stage import Stage, running
from shared.clock import real_now
from shared.ids import new_id

BATCH = 500

_CLAIM = """
INSERT INTO inbox (consumer, event_id, processed_at)
SELECT 'billing', e, $2 FROM unnest($1::uuid[]) AS e
ON CONFLICT DO NOTHING RETURNING event_id
"""
_HOLD_FEES = "LOCK TABLE fees IN ROW SHARE MODE"
_LOCK_VISITS = """
SELECT FROM visits WHERE appointment_id = ANY($1::uuid[]) ORDER BY appointment_id FOR UPDATE
"""
_LOCK_SERIES = """
SELECT FROM estimate_courses
 WHERE course_id IN (SELECT series_id FROM series_visits WHERE appointment_id = ANY($1::uuid[]))
 ORDER BY course_id FOR UPDATE
"""
_LOCK_PACKAGES = """
SELECT patient_id FROM package_purchases
 WHERE patient_id = ANY($1::uuid[]) AND state = 'paid' ORDER BY purchase_id FOR UPDATE
"""
_GATES = """
SELECT e.total_cents + coalesce(m.margin_cents, 0) AS up_to_cents,
       coalesce(c.charged_cents, 0) AS charged_cents, p.coverage_id IS NOT NULL AS is_covered
  FROM (SELECT *, (started_at AT TIME ZONE 'America/New_York')::date AS day
          FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
               WITH ORDINALITY AS i (appointment_id, patient_id, started_at, n)) AS i
  LEFT JOIN series_visits AS s ON s.appointment_id = i.appointment_id
  LEFT JOIN LATERAL (SELECT e.total_cents
                       FROM estimates AS e JOIN estimate_documents AS d USING (estimate_id)
                       JOIN estimate_courses AS k USING (course_id)
                      WHERE s.series_id IN (k.course_id, k.booked_as) AND e.expires_on >= i.day
                      ORDER BY k.course_id = s.series_id DESC, e.version DESC, d.issued_at DESC
                      LIMIT 1) AS e ON true
  LEFT JOIN LATERAL (SELECT sum(c.amount_cents) AS charged_cents
                       FROM series_visits AS v JOIN charges AS c USING (appointment_id)
                      WHERE v.series_id = s.series_id AND e.total_cents IS NOT NULL) AS c ON true
  LEFT JOIN LATERAL (SELECT margin_cents FROM estimate_margins
                      WHERE effective_from <= i.day ORDER BY effective_from DESC LIMIT 1
                    ) AS m ON true
  LEFT JOIN LATERAL (SELECT coverage_id FROM patient_coverages AS p
                      WHERE p.patient_id = i.patient_id AND p.effective_from <= i.day
                      ORDER BY effective_from DESC, recorded_at DESC, coverage_id DESC LIMIT 1
                    ) AS p ON true
 ORDER BY i.n
"""
_ON_FILE = """
SELECT c.charge_id IS NOT NULL OR w.infusion_id IS NOT NULL OR h.infusion_id IS NOT NULL AS is_done,
       EXISTS (SELECT FROM collections_holds AS o
                WHERE o.patient_id = i.patient_id AND o.charge_id IS NULL
                  AND o.ended_at IS NULL) AS on_hold,
       f.fee_id, f.amount_cents, v.tender, k.card_id
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
       WITH ORDINALITY AS i (infusion_id, appointment_id, patient_id, visit_type, started_at, n)
  LEFT JOIN charges AS c ON c.infusion_id = i.infusion_id
  LEFT JOIN uncharged_infusions AS w ON w.infusion_id = i.infusion_id
  LEFT JOIN held_charges AS h ON h.infusion_id = i.infusion_id
  LEFT JOIN visits AS v
         ON v.appointment_id = i.appointment_id AND v.patient_id = i.patient_id
  LEFT JOIN LATERAL (SELECT fee_id, amount_cents FROM fees
                      WHERE visit_type = i.visit_type AND starts_at <= i.started_at
                      ORDER BY starts_at DESC, revision DESC LIMIT 1) AS f ON true
  LEFT JOIN LATERAL (SELECT o.card_id FROM cards AS o JOIN mandates AS m USING (setup_id)
                      WHERE o.patient_id = i.patient_id AND o.gone_at IS NULL
                        AND m.withdrawn_at IS NULL
                      ORDER BY o.set_up_at DESC, o.setup_id DESC LIMIT 1) AS k ON true
 ORDER BY i.n
"""
_CHARGES = """
INSERT INTO charges (charge_id, patient_id, service, infusion_id, appointment_id, fee_id,
                     amount_cents, tender, state, posted_at)
SELECT c, p, 'infusion', i, a, f, m, 'card', 'open', $7
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[])
       AS r (c, p, i, a, f, m)
"""
_LEDGER = """
INSERT INTO ledger_transfers (transfer_id, reason, source_id, leg, debit, credit, amount_cents,
                              patient_id, charge_id, happened_at, posted_at)
SELECT t, 'charge_posted', c::text, 1, 'patient_receivable', 'revenue_infusion', m, p, c, s, $6
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[])
       AS r (t, c, p, m, s)
"""
_ATTEMPTS = """
INSERT INTO payment_attempts (attempt_id, charge_id, card_id, amount_cents, state, created_at)
SELECT a, c, k, m, 'pending', $5
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) AS r (a, c, k, m)
"""
_WORK = """
INSERT INTO due_work (work_id, kind, key, payload, due_at, correlation_id, causation_id)
SELECT w, 'CapturePayment', k, p, $6, c, e
  FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::uuid[], $5::uuid[]) AS r (w, k, p, c, e)
"""
_OUTBOX = """
INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at)
SELECT e, $6, k, s, h, p, $7
  FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::jsonb[], $5::bytea[])
       AS r (e, k, s, h, p)
"""
_CONFIRM = """
WITH sent AS (DELETE FROM outbox WHERE event_id = ANY($1::uuid[])
              RETURNING seq, event_id, topic, key, slot, headers, payload)
INSERT INTO event_log (seq, event_id, topic, key, slot, headers, payload, published_at)
SELECT seq, event_id, topic, key, slot, headers, payload, $2 FROM sent
"""


@dataclass(slots=True)
class Infusion:
    """A completed infusion, and the ids that its charge will have."""

    event_id: UUID
    correlation_id: str
    patient: str
    infusion: str
    infusion_id: UUID
    patient_id: UUID
    appointment_id: UUID
    visit_type: str
    started_at: datetime
    charge_id: UUID
    attempt_id: UUID
    said_id: UUID
    fee_id: UUID | None = None
    amount_cents: int = 0
    card_id: UUID | None = None


@dataclass(slots=True)
class Said:
    """An event that is committed and has to leave."""

    event_id: UUID
    key: str
    headers: dict[str, str]
    payload: bytes


async def charge(stage: Stage) -> float:
    """Charge what waits on the stage; seconds from first record to last acknowledgement."""
    committed: asyncio.Queue[list[Said]] = asyncio.Queue(maxsize=8)
    async with running(lambda: _decide(stage, committed), lambda: _publish(stage, committed)):
        return await stage.finished()


async def _decide(stage: Stage, committed: asyncio.Queue[list[Said]]) -> None:
    consumer = AIOKafkaConsumer(
        stage.topic,
        bootstrap_servers=stage.bootstrap_servers,
        group_id=stage.group,
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
            now = real_now()
            async with database.transaction():
                infusions = await _price(database, records, now)
                said = [_said(one, now) for one in infusions]
                await _write(database, infusions, said, stage.prefix + "billing", now)
            await consumer.commit()
            await committed.put(said)
    finally:
        await consumer.stop()
        await database.close()


async def _price(
    database: asyncpg.Connection, records: Sequence[Any], now: datetime
) -> list[Infusion]:
    heard = {
        one.event_id: one
        for record in records
        if (headers := dict(record.headers))["ce_type"] == b"scheduling.InfusionCompleted"
        for one in [_decoded(headers, orjson.loads(record.value))]
    }
    fresh = {row[0] for row in await database.fetch(_CLAIM, list(heard), now)}
    infusions = [one for event_id, one in heard.items() if event_id in fresh]
    appointments = [one.appointment_id for one in infusions]
    patients = [one.patient_id for one in infusions]
    starts = [one.started_at for one in infusions]
    await database.execute(_HOLD_FEES)
    await database.fetch(_LOCK_VISITS, appointments)
    await database.fetch(_LOCK_SERIES, appointments)
    gates = await database.fetch(_GATES, appointments, patients, starts)
    on_file = await database.fetch(
        _ON_FILE,
        [one.infusion_id for one in infusions],
        appointments,
        patients,
        [one.visit_type for one in infusions],
        starts,
    )
    prepaid = {row[0] for row in await database.fetch(_LOCK_PACKAGES, patients)}
    priced = []
    for one, gate, row in zip(infusions, gates, on_file, strict=True):
        up_to_cents, charged_cents, is_covered = gate
        is_done, on_hold, one.fee_id, one.amount_cents, tender, one.card_id = row
        if is_done or not one.fee_id or not one.card_id or tender not in {None, "card"}:
            continue
        if on_hold or is_covered or one.patient_id in prepaid:
            continue
        if up_to_cents is None or charged_cents + one.amount_cents < up_to_cents:
            priced.append(one)
    return priced


def _decoded(headers: dict[str, bytes], event: dict[str, Any]) -> Infusion:
    return Infusion(
        event_id=UUID(headers["ce_id"].decode()),
        correlation_id=headers["ce_correlationid"].decode(),
        patient=event["patient_id"],
        infusion=event["infusion_id"],
        infusion_id=UUID(event["infusion_id"]),
        patient_id=UUID(event["patient_id"]),
        appointment_id=UUID(event["appointment_id"]),
        visit_type=event["visit_type"],
        started_at=datetime.fromisoformat(event["started_at"]),
        charge_id=new_id(),
        attempt_id=new_id(),
        said_id=new_id(),
    )


def _said(one: Infusion, now: datetime) -> Said:
    at = now.isoformat()
    return Said(
        one.said_id,
        one.patient,
        {
            "ce_specversion": "1.0",
            "ce_id": str(one.said_id),
            "ce_source": "/practice/billing",
            "ce_type": "billing.ChargePosted",
            "ce_time": at,
            "ce_subject": one.patient,
            "ce_dataschema": "urn:practice:event:billing.ChargePosted:1",
            "content-type": "application/json",
            "ce_correlationid": one.correlation_id,
            "ce_causationid": str(one.event_id),
        },
        orjson.dumps(
            {
                "patient_id": one.patient,
                "charge_id": one.charge_id,
                "infusion_id": one.infusion,
                "service": "infusion",
                "amount_cents": one.amount_cents,
                "currency": "USD",
                "posted_at": at,
            }
        ),
    )


async def _write(
    database: asyncpg.Connection,
    infusions: Sequence[Infusion],
    said: Sequence[Said],
    topic: str,
    now: datetime,
) -> None:
    charge_ids = [one.charge_id for one in infusions]
    attempt_ids = [one.attempt_id for one in infusions]
    await database.execute(
        _CHARGES,
        charge_ids,
        [one.patient_id for one in infusions],
        [one.infusion_id for one in infusions],
        [one.appointment_id for one in infusions],
        [one.fee_id for one in infusions],
        [one.amount_cents for one in infusions],
        now,
    )
    await database.execute(
        _LEDGER,
        [new_id() for _ in infusions],
        charge_ids,
        [one.patient_id for one in infusions],
        [one.amount_cents for one in infusions],
        [one.started_at for one in infusions],
        now,
    )
    await database.execute(
        _ATTEMPTS,
        attempt_ids,
        charge_ids,
        [one.card_id for one in infusions],
        [one.amount_cents for one in infusions],
        now,
    )
    await database.execute(
        _WORK,
        [new_id() for _ in infusions],
        [f"capture:{attempt_id}" for attempt_id in attempt_ids],
        [orjson.dumps({"attempt_id": attempt_id}).decode() for attempt_id in attempt_ids],
        [one.correlation_id for one in infusions],
        [one.event_id for one in infusions],
        now,
    )
    await database.execute(
        _OUTBOX,
        [one.event_id for one in said],
        [one.key for one in said],
        [crc32(one.key.encode()) % 16 for one in said],
        [orjson.dumps(one.headers).decode() for one in said],
        [one.payload for one in said],
        topic,
        now,
    )


async def _publish(stage: Stage, committed: asyncio.Queue[list[Said]]) -> None:
    topic = stage.prefix + "billing"
    producer = stage.producer()
    database = await connect(stage.database_url)
    await producer.start()
    try:
        while True:
            said = await committed.get()
            sent = [
                await producer.send(
                    topic,
                    value=one.payload,
                    key=one.key.encode(),
                    headers=[(name, value.encode()) for name, value in one.headers.items()],
                )
                for one in said
            ]
            await asyncio.gather(*sent)
            await database.execute(_CONFIRM, [one.event_id for one in said], real_now())
    finally:
        await producer.stop()
        await database.close()
