"""Whatever goes wrong on the way out: one text in the network, one Message-ID among the mails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.work import SendText
from tests.notifications.house import House
from tests.notifications.stories import Story
from tests.support.eventually import eventually

POST = "POST */Messages.json"
LOOK_UP = "GET */Messages.json"

TROUBLES: list[list[dict[str, Any]]] = [
    [{"kind": "lost_answer"}],
    [{"kind": "status_before", "times": 3}],
    [{"kind": "status_before", "status": 429}],
    [{"kind": "status_before", "status": 401, "times": 2}],
    [{"kind": "status_after", "status": 500}],
    [{"kind": "hang", "seconds": 30}],
    [{"kind": "hang", "seconds": 30, "works": False}],
    [{"kind": "lost_answer"}, {"kind": "status_before", "route": LOOK_UP, "times": 3}],
    [{"kind": "hang", "seconds": 30}, {"kind": "lost_answer", "route": LOOK_UP}],
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_one_text_leaves_whatever_the_provider_answers(
    house: House, story: Story, trouble: list[dict[str, Any]]
):
    for fault in trouble:
        house.world.fault("sms", **{"route": POST} | fault)
    await house.hears(story.registered(), story.declined())
    await house.at_rest()

    assert len(house.texts()) == 1
    assert await house.states() == {("payment_failed", 0): "sent"}
    [message] = house.world.state()["sms"]["messages"]
    assert (await house.messages())["payment_failed", 0]["provider_ref"] == message["sid"]
    assert [name for name, _ in await house.said()] == ["MessageSent"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_answer"},
        {"kind": "status_before", "times": 3},
        {"kind": "status_after", "status": 451},
        {"kind": "hang", "seconds": 30},
        {"kind": "hang", "seconds": 30, "works": False},
    ],
    ids=str,
)
async def test_a_mail_goes_out_and_every_repeat_has_the_same_message_id(
    house: House, story: Story, fault: dict[str, Any]
):
    house.world.fault("smtp", **fault)
    await house.hears(story.registered(), story.paid())
    await house.at_rest()

    mails = house.world.mails(to="testa.canary@example.org")
    message = (await house.messages())["receipt", 0]
    ids = {value for mail in mails for name, value in mail["headers"] if name == "Message-ID"}
    assert ids == {f"<{message['message_id']}@example.org>"}
    assert len({tuple(map(tuple, mail["headers"])) for mail in mails}) == 1
    assert len({mail["text"] for mail in mails}) == 1
    assert message["state"] == "sent"
    assert [name for name, _ in await house.said()] == ["MessageSent"]


async def test_two_texts_with_the_same_words_are_two_texts_even_when_an_answer_is_lost(
    house: House, story: Story
):
    await house.hears(story.registered(), story.declined())
    await house.at_rest()
    house.world.fault("sms", "status_before", POST)
    await house.hears(story.declined())
    await house.at_rest()
    assert len(house.texts()) == 2
    refs = await house.rows("SELECT count(DISTINCT provider_ref) AS n FROM messages")
    assert refs[0]["n"] == 2


async def test_what_is_repeated_is_what_was_tried_though_the_patient_changed_meanwhile(
    house: House, story: Story
):
    house.world.fault("sms", "lost_answer", POST)
    house.world.fault("sms", "status_before", LOOK_UP, times=5)
    await house.hears(story.registered(), story.declined())

    async def tried() -> bool:
        return bool(house.texts())

    await eventually(tried)
    house.scheduling.has_patient(story.patient_id, first_name="Tessa", phone="+12025550102")
    await house.hears(story.updated())
    await house.at_rest()

    assert len(house.texts()) == 1
    await house.hears(story.declined())
    await house.at_rest()
    [said] = house.texts(to="+12025550102")
    assert "Hi Tessa" in said


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        ("+15005550004", "opted_out"),
        ("+15005550001", "number_invalid"),
        ("+15005550009", "number_invalid"),
        ("+15005550002", "number_unreachable"),
        ("+15005550003", "number_unreachable"),
    ],
)
async def test_a_number_that_is_refused_ends_the_message_with_a_reason(
    house: House, story: Story, phone: str, reason: str
):
    house.scheduling.has_patient(story.patient_id, phone=phone)
    await house.hears(story.registered(), story.declined())
    await house.at_rest()
    assert await house.states() == {("payment_failed", 0): reason}
    [(name, body)] = await house.said()
    assert (name, body["reason"], body["channel"]) == ("MessageNotSent", reason, "sms")


async def test_after_stop_nothing_more_is_sent_and_after_start_it_is(house: House, story: Story):
    house.world.patient_texts("+12025550101", "+12025550100", "STOP")
    await house.hears(story.registered(), story.declined())
    await house.at_rest()
    assert house.texts() == []
    assert await house.states() == {("payment_failed", 0): "opted_out"}

    house.world.patient_texts("+12025550101", "+12025550100", "START")
    await house.hears(story.delivered())
    await house.at_rest()
    assert len(house.texts()) == 1


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"email": "a(b@example.org"}, None, "address_invalid"),
        ({}, 554, "mail_refused"),
    ],
)
async def test_a_mail_that_is_refused_for_good_ends_with_a_reason(
    house: House, story: Story, changes: dict[str, str], status: int | None, reason: str
):
    house.scheduling.has_patient(story.patient_id, **changes)
    if status is not None:
        house.world.fault("smtp", "status_before", status=status)
    await house.hears(story.registered(), story.paid())
    await house.at_rest()
    assert await house.states() == {("receipt", 0): reason}
    assert house.world.mails() == []


async def test_a_refusal_that_nobody_knows_waits_for_a_person(house: House, story: Story):
    house.world.fault("sms", "status_before", POST, status=400)
    await house.hears(story.registered(), story.declined())

    async def parked() -> bool:
        work = await house.rows("SELECT error_code FROM due_work WHERE state = 'parked'")
        return [row["error_code"] for row in work] == ["sms_20500"]

    await eventually(parked)
    assert await house.states() == {("payment_failed", 0): "waiting"}


async def test_work_of_an_earlier_turn_does_not_send_beside_the_one_under_way(
    house: House, story: Story
):
    house.scheduling.away = True
    await house.hears(story.declined())
    await house.at_rest_but("RedeemContact")
    house.world.fault("sms", "slow", POST, ms=300)
    house.scheduling.away = False

    async def tried() -> bool:
        return bool(await house.rows("SELECT 1 FROM messages WHERE tried_at IS NOT NULL"))

    await eventually(tried, every_s=0.005)
    [message] = (await house.messages()).values()
    assert message["turn"] == 2
    async with house.unit.transaction() as tx:
        tx.do(SendText(message_id=message["message_id"], turn=1))
    await house.at_rest()
    assert len(house.texts()) == 1


async def test_two_replicas_send_each_message_once(house: House, story: Story):
    payments = [story.paid() for _ in range(15)]
    async with house.working():
        await house.hears(story.registered(), *[story.declined() for _ in range(15)])
        await house.hears(*payments, *payments)
        await house.at_rest()
    assert (len(house.texts()), len(house.world.mails())) == (15, 15)
    assert len(await house.said()) == 30


async def test_a_corrected_statement_says_which_one_the_insurer_gets(house: House, story: Story):
    await house.hears(story.registered(), story.superbill(), story.correction())
    await house.at_rest()
    _, corrected = sorted(house.world.mails(), key=lambda mail: mail["subject"])
    assert corrected["subject"] == "Your statement was corrected"
    assert "SB-2026-000007 was corrected" in corrected["text"]
    assert "replaces the earlier one under the same number" in corrected["text"]
    assert corrected["attachments"] == []


async def test_receipt_and_statement_say_what_they_are_for_and_nothing_of_the_visit(
    house: House, story: Story
):
    await house.hears(story.registered(), story.paid(), story.superbill())
    await house.at_rest()
    receipt, statement = sorted(house.world.mails(), key=lambda mail: mail["subject"])
    assert receipt["subject"] == "Your receipt"
    assert "payment of $399.00" in receipt["text"]
    assert statement["subject"] == "Your statement is ready"
    assert "SB-2026-000007" in statement["text"]
    assert statement["attachments"] == []
    for mail in (receipt, statement):
        assert mail["sender"] == "clinic@example.org"
        assert ["From", "Elm Clinic <clinic@example.org>"] in mail["headers"]


async def test_an_estimate_is_announced_by_its_number_and_names_no_sum_and_no_purpose(
    house: House, story: Story
):
    await house.hears(story.registered(), story.estimate(), story.estimate())
    await house.at_rest()
    first, second = house.world.mails()
    assert first["subject"] == second["subject"] == "Your good faith estimate is ready"
    assert "GFE-2026-000003" in first["text"]
    assert "2,394" not in first["text"]
    assert first["attachments"] == []


async def test_the_spray_rule_is_told_at_delivery(house: House, story: Story):
    await house.hears(story.registered(), story.delivered())
    await house.at_rest()
    [text] = house.texts()
    assert text.startswith(
        "Elm Clinic: Hi Testa, your pharmacy order has arrived. Do not drive for 4 hours after each"
        " use. Questions? (202) 555-0100."
    )


async def test_a_payment_outside_the_card_has_its_receipt(house: House, story: Story):
    await house.hears(story.registered(), story.paid_outside())
    await house.at_rest()
    assert len(house.world.mails()) == 1


async def test_a_package_has_one_receipt_and_its_visits_have_none(house: House, story: Story):
    await house.hears(story.registered(), story.paid_ahead(), story.used_prepaid())
    await house.at_rest()
    [mail] = house.world.mails()
    assert "$2,100.00" in mail["text"]


async def test_a_card_that_expires_is_told_by_mail_once_for_each_month_and_names_no_card(
    house: House, story: Story
):
    event = story.card_expires()
    renewed = event.model_copy(update={"expires_at": event.expires_at + timedelta(days=365)})
    await house.hears(story.registered(), event, event, renewed)
    await house.at_rest()
    mails = house.world.mails()
    assert [one["subject"] for one in mails] == ["Your card on file"] * 2
    earlier, later = sorted(one["text"] for one in mails)
    assert "good until the end of January 2027" in earlier
    assert "good until the end of January 2028" in later
    assert str(event.card_id) not in earlier
    assert house.texts() == []


async def test_of_a_card_that_is_not_good_any_more_no_mail_says_that_it_expires(
    house: House, story: Story
):
    late = story.card_expires().model_copy(update={"expires_at": house.clock.now()})
    await house.hears(story.registered(), late)
    await house.at_rest()
    assert house.world.mails() == []
    assert set((await house.states()).values()) == {"moment_passed"}
