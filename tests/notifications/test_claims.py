"""Contacts and places: redeemed once, refreshed, waited for, and sealed."""

from __future__ import annotations

from datetime import timedelta

from shared.ids import new_id
from tests.notifications.house import House
from tests.notifications.stories import Story
from tests.support.eventually import eventually


async def test_a_message_waits_until_it_is_known_how_to_reach_the_patient(
    house: House, story: Story
):
    house.scheduling.away = True
    await house.hears(story.registered(), story.paid(), story.declined())
    await house.at_rest_but("RedeemContact")
    assert set((await house.states()).values()) == {"waiting"}
    house.scheduling.away = False
    await house.at_rest()
    assert set((await house.states()).values()) == {"sent"}
    assert (len(house.texts()), len(house.world.mails())) == (1, 1)


async def test_a_message_about_a_patient_who_was_never_announced_asks_for_the_contact_itself(
    house: House, story: Story
):
    await house.hears(story.paid())
    await house.at_rest()
    assert await house.states() == {("receipt", 0): "sent"}


async def test_a_new_number_is_used_for_what_waits(house: House, story: Story):
    starts_at = house.clock.now() + timedelta(days=4)
    await house.hears(story.registered(), story.booked(starts_at))
    await house.at_rest()
    house.scheduling.has_patient(story.patient_id, phone="+12025550102")
    await house.hears(story.updated())
    await house.lives(timedelta(days=5))
    assert house.texts(to="+12025550101") == []
    assert len(house.texts(to="+12025550102")) == 3


async def test_an_answer_that_was_overtaken_never_replaces_a_newer_one(house: House, story: Story):
    leaves = house.scheduling.holds_next()
    await house.hears(story.registered())

    async def asked() -> bool:
        return len(house.scheduling.asked) == 1

    await eventually(asked)
    house.scheduling.has_patient(story.patient_id, phone="+12025550102")
    await house.hears(story.updated())
    await eventually(lambda: _redeemed(house, 2))
    leaves.set()
    await house.at_rest()

    await house.hears(story.declined())
    await house.at_rest()
    assert house.texts(to="+12025550101") == []
    assert len(house.texts(to="+12025550102")) == 1


async def _redeemed(house: House, number: int) -> bool:
    return bool(await house.rows("SELECT 1 FROM contacts WHERE redeemed_no = :n", n=number))


async def test_a_message_waits_until_it_is_known_where_the_visit_was(house: House, story: Story):
    await house.hears(story.registered())
    await house.at_rest()
    now = house.clock.now()
    await house.hears(story.discharged(now, now + timedelta(hours=5)))
    await house.at_rest()
    assert await house.states() == {("no_driving", 0): "sent"}


async def test_a_place_is_redeemed_once_for_all_its_visits(house: House, story: Story):
    starts_at = house.clock.now() + timedelta(days=6)
    visits = [story.booked(starts_at, appointment_id=new_id()) for _ in range(30)]
    await house.hears(story.registered(), *visits)
    await house.at_rest()
    await house.hears(story.booked(starts_at + timedelta(days=2)))
    await house.at_rest()
    paths = [one.path for one in house.scheduling.asked if "/locations/" in one.path]
    assert paths == [f"/internal/locations/{story.location_id}"]
    [planned] = await house.rows("SELECT count(*) AS n FROM messages")
    assert planned["n"] == 31 * 3


async def test_a_corrected_place_is_named_in_what_waits(house: House, story: Story):
    starts_at = house.clock.now() + timedelta(days=4)
    await house.hears(story.registered(), story.booked(starts_at))
    await house.at_rest()
    house.scheduling.has_location(story.location_id, name="King Street", phone="+12025550199")
    await house.hears(story.location_updated())
    await house.at_rest()
    await house.lives(timedelta(days=5))
    texts = house.texts()
    assert len(texts) == 3
    assert all("(202) 555-0199" in each for each in texts)
    assert "King Street" in texts[0]
    assert "Main Street" not in "".join(texts)
    [planned] = await house.rows("SELECT count(*) AS n FROM messages")
    assert planned["n"] == 3


async def test_a_place_that_was_overtaken_never_replaces_a_newer_one(house: House, story: Story):
    leaves = house.scheduling.holds_next()
    await house.hears(story.booked(house.clock.now() + timedelta(days=6)))

    async def asked() -> bool:
        return len(house.scheduling.asked) == 1

    async def kept() -> bool:
        return bool(await house.rows("SELECT 1 FROM locations WHERE name = 'King Street'"))

    await eventually(asked)
    house.scheduling.has_location(story.location_id, name="King Street")
    await house.hears(story.location_updated())
    await eventually(kept)
    leaves.set()
    await house.at_rest()
    assert await kept()


async def test_every_question_names_its_purpose(house: House, story: Story):
    await house.hears(story.registered(), story.booked(house.clock.now() + timedelta(days=6)))
    await house.at_rest()
    assert {(one.service, one.purpose) for one in house.scheduling.asked} == {
        ("notifications", "patient_messages")
    }


async def test_a_patient_scheduling_does_not_know_is_left_to_a_person(house: House, story: Story):
    house.scheduling.records.clear()
    await house.hears(story.registered(), story.paid())

    async def parked() -> bool:
        rows = await house.rows("SELECT error_code FROM due_work WHERE state = 'parked'")
        return bool(rows) and {row["error_code"] for row in rows} == {"claim_unknown"}

    await eventually(parked)
    assert await house.states() == {("receipt", 0): "waiting"}
