"""Events come twice, late, and in any order across topics; the clinic's state is the same."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events.billing import CardSaved, ChargePosted
from shared.events.pharmacy import PrescriptionDrafted, PrescriptionSent
from shared.events.scheduling import PatientRegistered, SeriesCompleted
from shared.ids import new_id
from shared.messaging import Handlers, Transaction
from tests.messaging.conftest import scalar
from tests.messaging.records import START, record_of, registered
from tests.support.eventually import eventually
from tests.support.topics import Topics

PATIENTS = [new_id() for _ in range(4)]


def drafter() -> Handlers:
    """Drafts one prescription per completed series, once the patient's card is on file as well."""
    on = Handlers("pharmacy")

    async def see(tx: Transaction, event: Any, what: str, **more: Any) -> None:
        """Whichever of the two comes second finds the other one there."""
        await tx.execute(
            text(
                "INSERT INTO seen (patient, what, subject) VALUES (:patient, :what, :subject)"
                " ON CONFLICT DO NOTHING"
            ),
            {"patient": event.key, "what": what, "subject": more.get("subject", "")},
        )
        drafts = await tx.execute(
            text(
                "INSERT INTO drafts SELECT s.patient, s.subject FROM seen AS s JOIN seen AS c"
                " ON c.patient = s.patient AND c.what = 'card' WHERE s.what = 'series'"
                " AND s.patient = :patient ON CONFLICT DO NOTHING RETURNING series"
            ),
            {"patient": event.key},
        )
        for _ in drafts:
            tx.publish(
                PrescriptionDrafted(
                    patient_id=event.patient_id,
                    prescription_id=new_id(),
                    series_id=new_id(),
                    prescriber_id=new_id(),
                    drafted_at=tx.now,
                )
            )

    @on.event(PatientRegistered)
    async def note_patient(event: PatientRegistered, tx: Transaction) -> None:
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, 'registered')"), {"who": event.key}
        )

    @on.event(CardSaved)
    async def note_card(event: CardSaved, tx: Transaction) -> None:
        await see(tx, event, "card")

    @on.event(ChargePosted)
    async def note_charge(event: ChargePosted, tx: Transaction) -> None:
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, 'charged')"), {"who": event.key}
        )

    @on.event(SeriesCompleted)
    async def draft(event: SeriesCompleted, tx: Transaction) -> None:
        await see(tx, event, "series", subject=str(event.series_id))

    @on.event(PrescriptionSent)
    async def note_sent(event: PrescriptionSent, tx: Transaction) -> None:
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, 'sent')"), {"who": event.key}
        )

    return on


def courses() -> dict[str, list[dict[str, Any]]]:
    """What each topic holds of four patients' courses, in each topic's own order."""
    said: dict[str, list[dict[str, Any]]] = {"scheduling": [], "billing": [], "pharmacy": []}
    for who in PATIENTS:
        said["scheduling"].append(record_of(registered(who)))
        for _ in range(3):
            charge = ChargePosted(
                patient_id=who,
                charge_id=new_id(),
                infusion_id=new_id(),
                amount_cents=39_900,
                posted_at=START,
            )
            said["billing"].append(record_of(charge))
        card = CardSaved(patient_id=who, card_id=new_id(), saved_at=START)
        said["billing"].append(record_of(card))
        done = SeriesCompleted(
            patient_id=who,
            series_id=new_id(),
            prescriber_id=new_id(),
            infusions_completed=6,
            completed_at=START,
        )
        said["scheduling"].append(record_of(done))
        sent = PrescriptionSent(patient_id=who, prescription_id=new_id(), sent_at=START)
        said["pharmacy"].append(record_of(sent))
    return said


async def deliver(topics: Topics, seed: int) -> None:
    """Each topic's records in their order, each of them twice, the topics mixed at random."""
    order = random.Random(seed)  # noqa: S311  # a shuffle that can be repeated
    waiting = {
        topic: [record for record in records for _ in range(2)]
        for topic, records in courses().items()
    }
    if seed == 0:  # one topic a whole course behind the others
        turns = [topic for topic in ("pharmacy", "billing", "scheduling") for _ in waiting[topic]]
    else:
        turns = [topic for topic, records in waiting.items() for _ in records]
        order.shuffle(turns)
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
    await producer.start()
    try:
        for topic in turns:
            await producer.send_and_wait(topics.name(topic), **waiting[topic].pop(0))
    finally:
        await producer.stop()


async def test_events_twice_and_in_any_order_across_topics_lead_to_the_same_state(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    async with engine.begin() as connection:
        for table in (
            "seen (patient text, what text, subject text, PRIMARY KEY (patient, what, subject))",
            "drafts (patient text, series text PRIMARY KEY)",
        ):
            await connection.execute(text(f"CREATE TABLE {table}"))
    service = await run_service(drafter())
    for run in range(3):
        delivering = asyncio.create_task(deliver(topics, run))

        async def state(times: int = run + 1) -> None:
            query = "SELECT what, count(*) FROM tally GROUP BY what"
            async with engine.connect() as connection:
                counted = {row[0]: row[1] for row in await connection.execute(text(query))}
            expected = {"registered": 4, "charged": 12, "sent": 4}
            assert counted == {what: count * times for what, count in expected.items()}
            assert await scalar(engine, "SELECT count(*) FROM drafts") == 4 * times
            said = "SELECT count(*) FROM event_log WHERE topic LIKE '%pharmacy'"
            assert await scalar(engine, said) == 4 * times

        await delivering
        await eventually(state)
        rest = await service.rest()
        assert rest.outbox == 0
    assert await scalar(engine, "SELECT count(*) FROM parked_events") == 0
    assert await scalar(engine, "SELECT count(*) FROM inbox") == 3 * 28


async def test_a_hundred_completions_of_one_series_draft_one_prescription(
    run_service: Any, engine: AsyncEngine, topics: Topics
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE drafts (series text PRIMARY KEY)"))
    on = Handlers("pharmacy")

    @on.event(SeriesCompleted)
    async def draft(event: SeriesCompleted, tx: Transaction) -> None:
        made = await tx.execute(
            text("INSERT INTO drafts VALUES (:series) ON CONFLICT DO NOTHING"),
            {"series": str(event.series_id)},
        )
        if made.rowcount:
            tx.publish(
                PrescriptionDrafted(
                    patient_id=event.patient_id,
                    prescription_id=new_id(),
                    series_id=event.series_id,
                    prescriber_id=event.prescriber_id,
                    drafted_at=tx.now,
                )
            )

    done = SeriesCompleted(
        patient_id=new_id(),
        series_id=new_id(),
        prescriber_id=new_id(),
        infusions_completed=6,
        completed_at=START,
    )
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers)
    await producer.start()
    try:
        said = [
            await producer.send(topics.name("scheduling"), **record_of(done)) for _ in range(100)
        ]
        await asyncio.gather(*said)
    finally:
        await producer.stop()
    await run_service(on)

    async def all_heard() -> None:
        assert await scalar(engine, "SELECT count(*) FROM inbox") == 100
        assert await scalar(engine, "SELECT count(*) FROM event_log") == 1

    await eventually(all_heard)
