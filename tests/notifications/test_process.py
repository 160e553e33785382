"""The service as it runs, on a real broker: what it sends, says, survives and keeps to itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from deploy.local.postgres import Database
from shared.auth import Role
from shared.clock import RunClock
from shared.db import create_engine
from tests.notifications.process import Process
from tests.notifications.stories import Story
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld

DAY = timedelta(days=1)
MARKS = ("Testa", "Canary", "2025550101", "555-0101", "canary@example.org", "1980-01-31")


@pytest.fixture
async def process(process_at_rest: Process) -> Process:
    await process_at_rest.start()
    return process_at_rest


def texts(world: OutsideWorld) -> list[str]:
    return [message["body"] for message in world.state()["sms"]["messages"]]


async def test_what_is_heard_on_kafka_reaches_the_patient_and_is_said_on_kafka(
    process: Process,
    course: Story,
    world: OutsideWorld,
    running_world: tuple[OutsideWorld, RunClock],
):
    clock = running_world[1]
    starts_at = course.now + 3 * DAY
    await process.hears(course.registered(), course.booked(starts_at), course.paid())
    await process.at_rest()
    for moment in (starts_at - 2 * DAY, starts_at - DAY):
        clock.step_to(moment)
        await process.at_rest()
    await process.hears(course.cancelled(starts_at), course.superbill(), course.delivered())
    await process.at_rest()

    assert len(texts(world)) == 3
    assert len(world.mails()) == 2
    said = [
        (headers["ce_type"], orjson.loads(value)["purpose"])
        for headers, value in await process.published()
    ]
    assert sorted(said) == [
        ("notifications.MessageNotSent", "fasting_reminder"),
        ("notifications.MessageSent", "receipt"),
        ("notifications.MessageSent", "ride_reminder_24h"),
        ("notifications.MessageSent", "ride_reminder_48h"),
        ("notifications.MessageSent", "spray_no_driving"),
        ("notifications.MessageSent", "superbill"),
    ]
    assert all(headers["ce_subject"] for headers, _ in await process.published())

    answer = await process.get_as(Role.NURSE, f"/patients/{course.patient_id}/messages?limit=4")
    page = answer.json()
    assert len(page["items"]) == 4
    rest = await process.get_as(
        Role.NURSE, f"/patients/{course.patient_id}/messages?cursor={page['next_cursor']}"
    )
    shown = page["items"] + rest.json()["items"]
    assert len(shown) == 6
    assert {item["purpose"]: item["state"] for item in shown}["fasting_reminder"] == "not_sent"
    by_purpose = {item["purpose"]: item for item in shown}
    assert by_purpose["fasting_reminder"]["reason"] == "appointment_cancelled"
    assert by_purpose["receipt"]["sent_at"] is not None
    assert [item["due_at"] for item in shown] == sorted(
        (item["due_at"] for item in shown), reverse=True
    )
    refused = await process.get_as(Role.BILLER, f"/patients/{course.patient_id}/messages")
    assert refused.status_code == 403


async def test_the_patient_is_in_the_message_and_nowhere_else(
    process: Process, course: Story, world: OutsideWorld
):
    world.fault("sms", "lost_answer", "POST */Messages.json")
    world.fault("sms", "status_before", "GET */Messages.json", times=2)
    world.fault("smtp", "status_before")
    await process.hears(
        course.registered(),
        course.booked(course.now + timedelta(hours=20)),
        course.paid(),
        course.superbill(),
        course.declined(),
        course.updated(),
    )
    await process.at_rest()
    world.fault("sms", "status_before", "POST */Messages.json", status=400)
    await process.hears(course.declined())

    async def parked() -> bool:
        return "work_put_off" in process.log.read_text() and "parked" in process.log.read_text()

    await eventually(parked)
    messages = await process.get_as(Role.NURSE, f"/patients/{course.patient_id}/messages")
    metrics = await process.get("/metrics")
    operations = await process.get_as(Role.OPS, "/operations/parked")
    process.stop()

    assert any("Hi Testa" in body for body in texts(world))
    assert all("Testa" in mail["text"] for mail in world.mails())
    assert "Canary" not in str(texts(world)) + str([mail["text"] for mail in world.mails()])
    shown = {
        "log": process.log.read_text(),
        "trace": process.trace.read_text(),
        "tables": await _every_table(process.database),
        "topic": str(await process.published()),
        "messages": messages.text,
        "metrics": metrics.text,
        "operations": operations.text,
    }
    assert all(shown.values())
    found = [
        (where, mark)
        for where, said in shown.items()
        for mark in MARKS
        if mark in said or mark.encode().hex() in said
    ]
    assert found == []


async def _every_table(database: Database) -> str:
    engine = create_engine(database.url)
    async with engine.connect() as connection:
        names = await connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        found: list[Any] = []
        for (name,) in names.all():
            found += (await connection.execute(text(f"SELECT t::text FROM {name} t"))).all()
    await engine.dispose()
    return str(found)


@pytest.mark.parametrize("works", [True, False])
async def test_a_service_killed_in_the_middle_of_a_call_sends_one_text(
    process: Process, course: Story, world: OutsideWorld, *, works: bool
):
    world.fault("sms", "hang", "POST */Messages.json", seconds=60, works=works)
    await process.hears(course.registered(), course.declined())

    async def calls() -> bool:
        return any(fault["done"] for fault in world.faults())

    await eventually(calls)
    process.kill()
    await process.start_again()
    await process.at_rest()
    assert len(texts(world)) == 1


async def test_a_service_killed_again_and_again_sends_everything_once(
    process: Process, course: Story, world: OutsideWorld
):
    events = [make() for _ in range(8) for make in (course.declined, course.paid)]
    await process.hears(course.registered(), *events)
    for _ in range(3):
        process.kill()
        await process.start_again()
    await process.at_rest()
    assert len(texts(world)) == 8
    ids = [
        value for mail in world.mails() for name, value in mail["headers"] if name == "Message-ID"
    ]
    assert len(set(ids)) == 8
    said = [orjson.loads(value)["message_id"] for _, value in await process.published()]
    assert len(set(said)) == 16
