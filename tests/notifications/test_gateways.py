"""The official clients against the simulated network and relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException

from services.notifications.gateways.answers import NotTaken, Taken
from services.notifications.gateways.texts import TwilioTexts, refusal_of
from services.notifications.rules import NotSent
from services.notifications.words import Words, payment_failed, receipt
from shared.clock import RunClock
from shared.errors import KeyRefused, Poison, Retry
from shared.ids import new_id
from tests.notifications.house import mail_of, texts_of
from tests.support.outside_world import OutsideWorld

PATIENT = "+12025550101"
WORDS = payment_failed("Testa")
AT = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
async def texts(world: OutsideWorld) -> AsyncIterator[TwilioTexts]:
    texts = texts_of(world)
    yield texts
    await texts.aclose()


@pytest.fixture
def now(running_world: tuple[OutsideWorld, RunClock]) -> datetime:
    return running_world[1].now()


async def test_a_text_is_found_again_by_its_message_and_by_no_other(
    texts: TwilioTexts, now: datetime
):
    message_id = new_id()
    assert await texts.find(message_id, PATIENT, WORDS, since=now) is None
    sent = await texts.send(message_id, PATIENT, WORDS)
    assert isinstance(sent, Taken)
    assert await texts.find(message_id, PATIENT, WORDS, since=now) == sent
    assert await texts.find(new_id(), PATIENT, WORDS, since=now) is None
    assert await texts.find(message_id, PATIENT, Words("else"), since=now) is None
    assert await texts.find(message_id, "+12025550102", WORDS, since=now) is None


async def test_a_text_from_before_the_first_try_is_not_taken_for_it(
    texts: TwilioTexts, now: datetime
):
    message_id = new_id()
    await texts.send(message_id, PATIENT, WORDS)
    later = now + timedelta(minutes=2)
    assert await texts.find(message_id, PATIENT, WORDS, since=later) is None


async def test_a_network_that_is_away_is_tried_later(world: OutsideWorld):
    texts = texts_of(world, api_base="http://127.0.0.1:9")
    with pytest.raises(Retry, match="sms_unreachable"):
        await texts.send(new_id(), PATIENT, WORDS)
    await texts.aclose()


async def test_a_wrong_token_is_tried_later_until_the_configuration_is_right(world: OutsideWorld):
    texts = texts_of(world, auth_token="wrong")
    with pytest.raises(Retry, match="sms_20003"):
        await texts.send(new_id(), PATIENT, WORDS)
    await texts.aclose()
    assert world.state()["sms"]["messages"] == []


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (400, 21610, NotSent.OPTED_OUT),
        (400, 21211, NotSent.NUMBER_INVALID),
        (400, 21606, Retry),
        (400, 21611, Retry),
        (429, 20429, Retry),
        (401, 20003, KeyRefused),
        (403, 20005, KeyRefused),
        (503, 20500, Retry),
        (400, 21617, Poison),
    ],
)
def test_every_refusal_is_for_the_message_for_later_or_for_a_person(
    status: int, code: int, means: NotSent | type[Exception]
):
    error = TwilioRestException(status, "/", "words that may quote a number", code)
    if isinstance(means, NotSent):
        assert refusal_of(error) is means
        return
    with pytest.raises(means, match=f"^sms_{code}$"):
        refusal_of(error)


async def test_mail_is_never_sent_in_the_clear_unless_that_is_configured(world: OutsideWorld):
    with pytest.raises(Retry):
        await mail_of(world, starttls=True).send(
            new_id(), "testa.canary@example.org", receipt("Testa", 100), written_at=AT
        )
    assert world.mails() == []


async def test_a_mail_carries_any_name_and_asks_for_no_automatic_answer(world: OutsideWorld):
    await mail_of(world).send(
        new_id(), "testa.canary@example.org", receipt("Zoë 美咲", 39900), written_at=AT
    )
    [mail] = world.mails()
    assert "Hello Zoë 美咲," in mail["text"]
    headers = dict(mail["headers"])
    assert headers["Date"] == "Mon, 23 Nov 2026 14:00:00 +0000"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert mail["recipients"] == ["testa.canary@example.org"]


async def test_a_relay_that_is_away_is_tried_later(world: OutsideWorld):
    with pytest.raises(Retry, match="mail_unreachable"):
        await mail_of(world, port=9).send(
            new_id(), "testa.canary@example.org", receipt("Testa", 100), written_at=AT
        )


@pytest.mark.parametrize(
    "address", ["a(b@example.org", "two,one@example.org", "a\r\nb@example.org"]
)
async def test_an_address_that_is_none_is_refused_before_anything_is_sent(
    world: OutsideWorld, address: str
):
    answer = await mail_of(world).send(new_id(), address, receipt("Testa", 100), written_at=AT)
    assert answer == NotTaken(NotSent.ADDRESS_INVALID)
    assert world.mails() == []
