"""Reminders, moves, cancellations and the driving ban, lived through on a stepped clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.notifications.handlers.visits import replan_visit
from services.notifications.rules import fasting_due_at
from services.notifications.words import reference, when
from shared.events.scheduling import CancelReason, VisitType
from tests.notifications.house import House
from tests.notifications.stories import Story
from tests.support.eventually import eventually

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at_ten(story: Story, days: int) -> datetime:
    """10 AM in New York, so many days on."""
    day = (story.now.astimezone(NEW_YORK) + timedelta(days=days)).date()
    return datetime(day.year, day.month, day.day, 10, tzinfo=NEW_YORK)


async def test_a_visit_booked_in_good_time_has_each_reminder_at_its_moment(
    house: House, story: Story
):
    starts_at = at_ten(story, 5)
    await house.hears(story.registered(), story.booked(starts_at))
    await house.at_rest()
    assert house.texts() == []

    await house.goes_to(starts_at - 48 * HOUR - timedelta(seconds=1))
    assert house.texts() == []
    await house.goes_to(starts_at - 48 * HOUR)
    [first] = house.texts()
    sent = (await house.messages())["ride_reminder_48h", 0]
    assert first == (
        f"Elm Clinic: Hi Testa, your visit at Main Street is {when(starts_at, NEW_YORK)}. Who takes"
        f" you home? Tell us: (202) 555-0100. Ref {reference(sent['message_id'])}."
        " STOP to opt out."
    )
    await house.hears(story.ride())
    await house.goes_to(starts_at - 24 * HOUR)
    assert "Your ride is confirmed." in house.texts()[1]

    await house.lives(DAY)
    assert [name for name, state in (await house.states()).items() if state == "sent"] == [
        ("ride_reminder_48h", 0),
        ("ride_reminder_24h", 0),
        ("fasting_reminder", 0),
    ]
    fasting = (await house.messages())["fasting_reminder", 0]
    assert fasting["due_at"] == fasting_due_at(starts_at, NEW_YORK)
    assert f"no food after {when(starts_at - 2 * HOUR, NEW_YORK)}" in house.texts()[2]
    assert [name for name, _ in await house.said()] == ["MessageSent"] * 3
    assert len(house.texts()) == 3


async def test_a_moved_visit_has_its_new_reminders_and_never_its_old_ones(
    house: House, story: Story
):
    old, new = at_ten(story, 3), at_ten(story, 8)
    await house.hears(story.registered(), story.booked(old))
    await house.at_rest()
    await house.hears(story.moved(new))
    await house.lives(9 * DAY)

    reminders = ("ride_reminder_48h", "ride_reminder_24h", "fasting_reminder")
    assert await house.states() == (
        {(purpose, 0): "appointment_moved" for purpose in reminders}
        | {(purpose, 1): "sent" for purpose in reminders}
        | {("appointment_moved", 1): "sent"}
    )
    assert len(house.texts()) == 4
    assert "Main Street is now " + when(new, NEW_YORK) in house.texts()[0]
    assert not any(when(old, NEW_YORK) in body for body in house.texts())
    said = await house.said()
    assert sum(name == "MessageSent" for name, _ in said) == 4
    assert [body["reason"] for name, body in said if name == "MessageNotSent"] == [
        "appointment_moved"
    ] * 3


async def test_a_booking_told_again_after_the_move_changes_nothing(house: House, story: Story):
    old, new = at_ten(story, 3), at_ten(story, 8)
    await house.hears(story.registered(), story.booked(old), story.moved(new))
    await house.hears(story.booked(old))
    await house.lives(9 * DAY)
    assert (await house.states())["ride_reminder_24h", 1] == "sent"
    assert len(house.texts()) == 4
    assert not any(when(old, NEW_YORK) in body for body in house.texts())


async def test_a_move_at_the_very_moment_a_reminder_fires_stops_it(house: House, story: Story):
    old, new = at_ten(story, 3), at_ten(story, 8)
    await house.hears(story.registered(), story.booked(old))
    await house.at_rest()
    async with house.unit.transaction() as tx:
        await replan_visit(story.moved(new), tx)
        house.clock.step_to(old - 48 * HOUR)
        await _until_running(house)  # the sending has begun, and waits for this transaction
    await house.at_rest()

    assert (await house.states())["ride_reminder_48h", 0] == "appointment_moved"
    await house.lives(9 * DAY)
    assert not any(when(old, NEW_YORK) in body for body in house.texts())
    assert (await house.states())["ride_reminder_48h", 1] == "sent"


async def test_a_move_between_two_tries_stops_the_second(house: House, story: Story):
    old, new = at_ten(story, 3), at_ten(story, 8)
    await house.hears(story.registered(), story.booked(old))
    await house.at_rest()
    fault = house.world.fault("sms", "status_before", "POST */Messages.json", times=1000)
    house.clock.step_to(old - 48 * HOUR)
    await _until_tried(house)
    await house.hears(story.moved(new))
    await _until_settled(house, "ride_reminder_48h", 0)
    assert (await house.states())["ride_reminder_48h", 0] == "appointment_moved"
    assert house.texts() == []

    house.world._ask("DELETE", f"/faults/{fault}")
    await house.lives(9 * DAY)
    assert not any(when(old, NEW_YORK) in body for body in house.texts())
    assert len(house.texts()) == 4


async def test_a_reminder_that_left_before_the_move_was_heard_counts_as_sent(
    house: House, story: Story
):
    old, new = at_ten(story, 3), at_ten(story, 8)
    await house.hears(story.registered(), story.booked(old))
    await house.at_rest()
    house.world.fault("sms", "lost_answer", "POST */Messages.json")
    house.world.fault("sms", "status_before", "GET */Messages.json", times=2)
    house.clock.step_to(old - 48 * HOUR)
    await _until_tried(house)
    await house.hears(story.moved(new))
    await house.at_rest()

    assert (await house.states())["ride_reminder_48h", 0] == "sent"
    assert sum(when(old, NEW_YORK) in body for body in house.texts()) == 1


@pytest.mark.parametrize("reason", [CancelReason.PATIENT_ASKED, CancelReason.SERIES_STOPPED])
async def test_after_a_cancellation_nothing_goes_out(
    house: House, story: Story, reason: CancelReason
):
    starts_at = at_ten(story, 5)
    await house.hears(story.registered(), story.booked(starts_at))
    await house.at_rest()
    await house.hears(story.cancelled(starts_at, reason=reason))
    assert await house.rows("SELECT 1 FROM due_work") == []
    await house.lives(6 * DAY)

    assert set((await house.states()).values()) == {"appointment_cancelled"}
    assert house.texts() == []


async def test_a_ride_agreed_for_the_old_time_is_asked_for_anew(house: House, story: Story):
    old, new = at_ten(story, 3), at_ten(story, 8)
    await house.hears(story.registered(), story.booked(old), story.ride(), story.moved(new))
    await house.lives(9 * DAY)
    reminders = [body for body in house.texts() if "your visit at Main Street is " in body]
    assert ["Who takes you home?" in body for body in reminders] == [False, True, True]


async def test_a_move_that_is_heard_after_the_cancellation_plans_nothing(
    house: House, story: Story
):
    starts_at = at_ten(story, 5)
    await house.hears(story.registered(), story.booked(starts_at), story.cancelled(starts_at))
    before = await house.states()
    await house.hears(story.moved(starts_at + DAY, revision=2))
    await house.lives(7 * DAY)
    assert await house.states() == before
    assert house.texts() == []


async def test_a_visit_moved_and_then_cancelled_has_nothing(house: House, story: Story):
    starts_at = at_ten(story, 5)
    house.scheduling.away = True
    await house.hears(story.registered(), story.booked(starts_at))
    await house.hears(story.moved(starts_at + DAY), story.cancelled(starts_at + DAY, revision=2))
    house.scheduling.away = False
    await house.lives(7 * DAY)
    assert await house.states() == {("appointment_moved", 1): "appointment_cancelled"}
    assert house.texts() == []


async def test_a_late_booking_drops_the_first_ride_reminder_and_sends_the_second_at_once(
    house: House, story: Story
):
    starts_at = house.clock.now() + 20 * HOUR
    await house.hears(story.registered(), story.booked(starts_at))
    await house.at_rest()
    states = await house.states()
    assert states["ride_reminder_48h", 0] == "moment_passed"
    assert states["ride_reminder_24h", 0] == "sent"
    assert ("MessageNotSent", "ride_reminder_48h") in [
        (name, body["purpose"]) for name, body in await house.said()
    ]


async def test_a_booking_within_the_hour_reminds_of_nothing(house: House, story: Story):
    await house.hears(story.registered(), story.booked(house.clock.now() + HOUR))
    await house.at_rest()
    assert set((await house.states()).values()) == {"moment_passed"}
    assert house.texts() == []


async def test_a_preparation_session_needs_no_ride_and_no_fast(house: House, story: Story):
    story.visit_type = VisitType.PREPARATION
    await house.hears(story.registered(), story.booked(at_ten(story, 5)))
    await house.lives(6 * DAY)
    assert await house.messages() == {}


async def test_a_treatment_of_the_clinics_own_is_reminded_of_by_what_it_asks(
    house: House, story: Story
):
    booked = story.booked(
        at_ten(story, 5), visit_type="made_up_drip", ride_needed=False, fasting_min=240
    )
    await house.hears(story.registered(), booked)
    await house.lives(6 * DAY)
    assert await house.states() == {("fasting_reminder", 0): "sent"}
    assert "eat no food after" in house.texts()[-1]
    assert "6:00 AM" in house.texts()[-1]


async def test_after_what_is_given_without_a_driving_ban_none_is_told(house: House, story: Story):
    now = house.clock.now()
    await house.hears(story.registered(), story.discharged(now, now - HOUR))
    await house.at_rest()
    assert house.texts() == []


async def test_at_discharge_the_patient_reads_until_when_not_to_drive(house: House, story: Story):
    now = house.clock.now()
    until = now + timedelta(hours=5, minutes=40)
    await house.hears(story.registered(), story.booked(now + HOUR))
    await house.hears(story.discharged(now, until))
    await house.at_rest()
    assert house.texts()[-1].startswith(
        f"Elm Clinic: Hi Testa, please do not drive until {when(until, NEW_YORK)}. Questions?"
    )


async def test_a_longer_driving_ban_is_told_anew_with_its_later_hour(house: House, story: Story):
    now = house.clock.now()
    await house.hears(story.registered(), story.booked(now + HOUR))
    await house.hears(story.discharged(now, now + 5 * HOUR))
    await house.at_rest()
    longer = story.longer_ban(now + 6 * HOUR)
    await house.hears(longer)
    await house.hears(longer)
    await house.at_rest()
    told = [f"please do not drive until {when(now + n * HOUR, NEW_YORK)}" for n in (5, 6)]
    texts = house.texts()
    assert len(texts) == 2
    assert all(words in text for words, text in zip(told, texts, strict=True))
    await house.hears(story.longer_ban(now - HOUR))
    await house.at_rest()
    assert len(house.texts()) == 2, "of a ban that is over by now nothing is told"


async def test_a_driving_ban_that_is_over_is_not_told_any_more(house: House, story: Story):
    now = house.clock.now()
    house.scheduling.away = True
    await house.hears(story.discharged(now, now + HOUR))
    house.clock.step_to(now + 2 * HOUR)
    house.scheduling.away = False
    await house.at_rest()
    assert await house.states() == {("no_driving", 0): "moment_passed"}
    assert house.texts() == []


async def test_a_free_time_is_told_with_until_when_to_call_and_nothing_else(
    house: House, story: Story
):
    now = house.clock.now()
    until = now + timedelta(minutes=15)
    await house.hears(story.registered(), story.offered(now + DAY, until))
    await house.at_rest()
    assert house.texts()[-1].startswith(
        f"Elm Clinic: Hi Testa, a time is free at Main Street. To have it, call by"
        f" {when(until, NEW_YORK)}:"
    )
    assert await house.states() == {("chair_offered", 0): "sent"}


async def test_an_offer_that_ran_out_is_not_told_any_more(house: House, story: Story):
    now = house.clock.now()
    house.scheduling.away = True
    await house.hears(story.offered(now + DAY, now + timedelta(minutes=15)))
    house.clock.step_to(now + HOUR)
    house.scheduling.away = False
    await house.at_rest()
    assert await house.states() == {("chair_offered", 0): "moment_passed"}
    assert house.texts() == []


async def test_reminders_that_fell_due_while_nobody_worked_go_only_while_they_help(
    house: House, story: Story
):
    starts_at = at_ten(story, 5)
    house.scheduling.away = True
    await house.hears(story.registered(), story.booked(starts_at))
    house.clock.step_to(starts_at - 2 * HOUR - timedelta(minutes=30))
    house.scheduling.away = False
    await house.at_rest()
    assert await house.states() == {
        ("ride_reminder_48h", 0): "moment_passed",
        ("ride_reminder_24h", 0): "sent",
        ("fasting_reminder", 0): "sent",
    }


async def _until_running(house: House) -> None:
    async def running() -> bool:
        return bool(await house.rows("SELECT 1 FROM due_work WHERE state = 'running'"))

    await eventually(running)


async def _until_tried(house: House) -> None:
    async def tried() -> bool:
        return bool(await house.rows("SELECT 1 FROM messages WHERE tried_at IS NOT NULL"))

    await eventually(tried)


async def _until_settled(house: House, purpose: str, revision: int) -> None:
    async def settled() -> bool:
        return (await house.messages())[purpose, revision]["state"] != "waiting"

    await eventually(settled)


async def test_whoever_came_after_all_is_told_until_when_not_to_drive(house: House, story: Story):
    starts_at = at_ten(story, 1)
    await house.hears(story.registered(), story.booked(starts_at))
    await house.goes_to(starts_at)
    await house.hears(story.cancelled(starts_at, reason=CancelReason.NO_SHOW))
    await house.hears(story.booked(starts_at, revision=2))
    await house.goes_to(starts_at + HOUR)
    now = house.clock.now()
    await house.hears(story.discharged(now, now + 6 * HOUR))
    await house.at_rest()
    sent = {purpose for (purpose, _), state in (await house.states()).items() if state == "sent"}
    assert "no_driving" in sent
