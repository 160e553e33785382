"""Texts through the official Twilio client: out, told about, answered, stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qsl

import aiohttp
import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.outside.conftest import Ear, Heard, Steps
from tests.support.outside_world import SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, OutsideWorld

# The official client calls aiohttp in ways that aiohttp is about to drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter:DeprecationWarning"),
]

CLINIC = "+12025550100"
PATIENT = "+12025550101"


@pytest.fixture
async def twilio(world: OutsideWorld) -> AsyncIterator[Client]:
    """The official client, asynchronous."""
    async with AsyncTwilioHttpClient() as http_client:
        client = Client(SMS_ACCOUNT_SID, SMS_AUTH_TOKEN, http_client=http_client)
        client.api.base_url = world.sms_url
        yield client


def _form(heard: Heard) -> dict[str, str]:
    """A webhook's form, its signature verified by the official client."""
    form = dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
    validator = RequestValidator(SMS_AUTH_TOKEN)
    assert validator.validate(heard.url, form, heard.headers["x-twilio-signature"])
    assert not validator.validate(heard.url + "&x=1", form, heard.headers["x-twilio-signature"])
    return form


async def _send(twilio: Client, **changes: str) -> str:
    params = {"to": PATIENT, "from_": CLINIC, "body": "Do you have a ride home?"} | changes
    message = await twilio.messages.create_async(**params)
    assert message.sid is not None
    return message.sid


async def test_a_text_is_queued_sent_and_delivered_and_each_step_is_told_signed(
    twilio: Client, world: OutsideWorld, steps: Steps, ear: Ear
):
    sid = await _send(twilio, status_callback=ear.url)
    assert (await twilio.messages(sid).fetch_async()).status == "queued"
    await steps.by(timedelta(seconds=1))
    assert (await twilio.messages(sid).fetch_async()).status == "sent"
    await steps.by(timedelta(seconds=2))

    message = await twilio.messages(sid).fetch_async()

    assert message.status == "delivered"
    assert message.date_created is not None
    assert message.date_sent is not None
    assert message.date_sent - message.date_created == timedelta(seconds=1)
    forms = [_form(heard) for heard in ear.heard]
    assert [form["MessageStatus"] for form in forms] == ["queued", "sent", "delivered"]
    assert {form["MessageSid"] for form in forms} == {sid}


async def test_the_same_text_posted_twice_is_two_texts(twilio: Client, world: OutsideWorld):
    assert await _send(twilio) != await _send(twilio)
    assert len(world.state()["sms"]["messages"]) == 2


async def test_a_sent_text_is_found_by_number_and_time(twilio: Client, steps: Steps):
    await _send(twilio, body="yesterday's")
    await steps.by(timedelta(days=1))
    since = steps.now()
    wanted = [await _send(twilio, body=f"text {number}") for number in range(3)]
    await _send(twilio, to="+12025550102")

    found = await twilio.messages.list_async(to=PATIENT, date_sent_after=since, page_size=2)

    assert [message.sid for message in found] == wanted[::-1]
    before = await twilio.messages.list_async(
        to=PATIENT, date_sent_before=since - timedelta(hours=1)
    )
    assert [message.body for message in before] == ["yesterday's"]


async def test_a_lost_answer_leaves_a_text_that_is_found(twilio: Client, world: OutsideWorld):
    world.fault("sms", "lost_answer", "POST */Messages.json")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await _send(twilio)

    found = await twilio.messages.list_async(to=PATIENT)

    assert [message.body for message in found] == ["Do you have a ride home?"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "5550101"}, 21211),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"body": "x" * 1601}, 21617),
        ({"body": ""}, 21602),
        ({"status_callback": "https://example.org/hook"}, 21609),
    ],
)
async def test_what_twilio_refuses_is_refused_with_its_code(
    twilio: Client, world: OutsideWorld, changes: dict[str, str], code: int
):
    with pytest.raises(TwilioRestException) as refused:
        await _send(twilio, **changes)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert world.state()["sms"]["messages"] == []


@pytest.mark.parametrize(
    ("number", "code"),
    [("+12025550190", 30006), ("+12025550191", 30003), ("+12025550193", 30007)],
)
async def test_a_text_that_cannot_arrive_is_undelivered_with_its_code(
    twilio: Client, steps: Steps, ear: Ear, number: str, code: int
):
    sid = await _send(twilio, to=number, status_callback=ear.url)
    await steps.by(timedelta(seconds=3))

    message = await twilio.messages(sid).fetch_async()

    assert (message.status, message.error_code) == ("undelivered", code)
    assert _form(ear.heard[-1])["ErrorCode"] == str(code)


async def test_a_patients_answer_reaches_the_practice_signed(world: OutsideWorld, ear: Ear):
    world.notify(sms_inbound=ear.url)

    sent = world.patient_texts(PATIENT, CLINIC, "C & thanks + ü")
    await world.until_rest()

    (heard,) = ear.heard
    form = _form(heard)
    assert (form["From"], form["To"], form["Body"]) == (PATIENT, CLINIC, "C & thanks + ü")
    assert form["MessageSid"] == sent["sid"]
    assert "OptOutType" not in form


@pytest.mark.parametrize("word", ["STOP", " stop ", "Cancel", "END", "unsubscribe", "OptOut"])
async def test_after_a_stop_word_nothing_more_is_sent_until_start(
    twilio: Client, world: OutsideWorld, ear: Ear, word: str
):
    world.notify(sms_inbound=ear.url)
    world.patient_texts(PATIENT, CLINIC, word)
    await world.until_rest()
    assert _form(ear.heard[0])["OptOutType"] == "STOP"
    with pytest.raises(TwilioRestException) as refused:
        await _send(twilio)
    assert refused.value.code == 21610
    assert world.state()["sms"]["opted_out"] == [[PATIENT, CLINIC]]

    world.patient_texts(PATIENT, CLINIC, "START")
    await _send(twilio)

    directions = [text["direction"] for text in world.state()["sms"]["messages"]]
    assert directions == [
        "inbound",
        "outbound-reply",
        "inbound",
        "outbound-reply",
        "outbound-api",
    ]


async def test_a_word_in_a_sentence_stops_nothing(twilio: Client, world: OutsideWorld):
    world.patient_texts(PATIENT, CLINIC, "please do not stop")
    await _send(twilio)
    assert world.state()["sms"]["opted_out"] == []


async def test_a_wrong_token_sends_nothing(http: httpx.AsyncClient, world: OutsideWorld):
    answer = await http.post(
        f"{world.sms_url}/2010-04-01/Accounts/{SMS_ACCOUNT_SID}/Messages.json",
        data={"To": PATIENT, "From": CLINIC, "Body": "x"},
        auth=(SMS_ACCOUNT_SID, "wrong"),
    )
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
