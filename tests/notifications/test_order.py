"""Every event twice, and topics in any order: the same messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from shared.events import Event
from shared.ids import new_id
from tests.notifications.house import House
from tests.notifications.stories import Story

DAY = timedelta(days=1)


def _course(story: Story) -> dict[str, list[Event]]:
    """What each topic holds, in its order."""
    first = story.now + 4 * DAY
    return {
        "scheduling": [
            story.registered(),
            story.booked(first),
            story.moved(first + DAY),
            story.ride(),
            story.updated(),
            story.discharged(story.now, story.now + 6 * DAY),
        ],
        "billing": [story.paid(), story.declined(), story.superbill(), story.estimate()],
        "pharmacy": [story.delivered()],
    }


def _interleaved(topics: dict[str, list[Event]], random: Random) -> list[Event]:
    """One possible order of arrival: each topic keeps its own."""
    left = {name: list(events) for name, events in topics.items()}
    arrived = []
    while left:
        name = random.choice(sorted(left))
        arrived.append(left[name].pop(0))
        if not left[name]:
            del left[name]
    return arrived


EXPECTED = {
    ("ride_reminder_48h", 0): "appointment_moved",
    ("ride_reminder_24h", 0): "appointment_moved",
    ("fasting_reminder", 0): "appointment_moved",
    ("ride_reminder_48h", 1): "waiting",
    ("ride_reminder_24h", 1): "waiting",
    ("fasting_reminder", 1): "waiting",
    ("appointment_moved", 1): "sent",
    ("no_driving", 0): "sent",
    ("receipt", 0): "sent",
    ("payment_failed", 0): "sent",
    ("superbill", 0): "sent",
    ("estimate", 0): "sent",
    ("spray_no_driving", 0): "sent",
}


async def _ends_as_expected(house: House) -> None:
    await house.at_rest()
    assert await house.states() == EXPECTED
    assert (len(house.texts()), len(house.world.mails())) == (4, 3)
    said = [(name, body["message_id"]) for name, body in await house.said()]
    assert len(said) == len(set(said)) == 10


@pytest.mark.parametrize("seed", range(6))
async def test_topics_in_any_order_and_every_event_twice_end_the_same(
    house: House, story: Story, seed: int
):
    await _knows_the_place(house, story)
    random = Random(seed)  # noqa: S311  # a reproducible order is what is wanted
    arrived = _interleaved(_course(story), random)
    ids = [new_id() for _ in arrived]
    cut = random.randrange(len(arrived))
    for part in (slice(None, cut), slice(cut, None), slice(None)):
        if arrived[part]:
            await house.hears(*arrived[part], ids=ids[part])
    await _ends_as_expected(house)


async def test_the_same_facts_under_new_event_ids_change_nothing(house: House, story: Story):
    await _knows_the_place(house, story)
    arrived: Sequence[Event] = [event for events in _course(story).values() for event in events]
    await house.hears(*arrived)
    await house.at_rest()
    await house.hears(*arrived)
    await house.hears(*reversed(arrived))
    await _ends_as_expected(house)


async def _knows_the_place(house: House, story: Story) -> None:
    """Another patient's visit made the place known, so that plans do not wait for its zone."""
    other = Story(story.now, location_id=story.location_id)
    house.scheduling.has_patient(other.patient_id)
    visit = other.booked(story.now + 9 * DAY)
    await house.hears(other.registered(), visit)
    await house.at_rest()
    await house.hears(other.cancelled(visit.starts_at))
    await house.at_rest()
    async with house.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM messages")
        await connection.exec_driver_sql("DELETE FROM outbox")
