"""Killed around each call to a provider: one text, one Message-ID, each outcome said once."""

from __future__ import annotations

import orjson
import pytest

from shared.events import Event
from tests.notifications.process import Process
from tests.notifications.stories import Story
from tests.support.eventually import eventually
from tests.support.outside_world import OutsideWorld

SEND = "services.notifications.gateways.texts:TwilioTexts.send"
LOOK = "services.notifications.gateways.texts:TwilioTexts.find"
MAIL = "services.notifications.gateways.mail:SmtpMail.send"
SIDES = ("before", "after", "written")


@pytest.mark.parametrize("step", [f"{side} {call}" for call in (SEND, LOOK) for side in SIDES])
async def test_a_service_killed_around_a_text_sends_one(
    process_at_rest: Process, course: Story, world: OutsideWorld, step: str
):
    if LOOK in step:  # a look-up comes with a repeat
        world.fault("sms", "lost_answer", "POST */Messages.json")
    await _lives_through(process_at_rest, step, course.registered(), course.declined())

    [text] = world.state()["sms"]["messages"]
    assert "did not go through" in text["body"]
    assert await _said(process_at_rest) == [("notifications.MessageSent", "payment_failed")]


@pytest.mark.parametrize("side", SIDES)
async def test_a_service_killed_around_a_mail_sends_one_message_id(
    process_at_rest: Process, course: Story, world: OutsideWorld, side: str
):
    await _lives_through(process_at_rest, f"{side} {MAIL}", course.registered(), course.paid())

    mails = world.mails()
    ids = {value for mail in mails for name, value in mail["headers"] if name == "Message-ID"}
    assert len(ids) == 1
    assert len(mails) == (1 if side == "before" else 2), "a relay cannot be asked what it took"
    assert len({mail["text"] for mail in mails}) == 1
    assert await _said(process_at_rest) == [("notifications.MessageSent", "receipt")]


async def _lives_through(process: Process, step: str, *events: Event) -> None:
    """Hear what happened, die at the step, and start again."""
    process.service.start_armed(step)
    await process.service.until_ready()
    await process.hears(*events)
    await eventually(lambda: process.service.died_by_kill, within_s=30)
    await process.start_again()
    await process.at_rest()


async def _said(process: Process) -> list[tuple[str, str]]:
    """Each fact once, however often Kafka was handed it."""
    published = await process.published()
    told = {headers["ce_id"]: (headers["ce_type"], value) for headers, value in published}
    return [(kind, orjson.loads(value)["purpose"]) for kind, value in told.values()]
