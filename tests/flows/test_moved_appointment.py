"""Story 4: appointments are moved; old reminders never go out, new ones do."""

from __future__ import annotations

from shared.events import scheduling
from shared.events.notifications import Channel, Purpose
from tests.flows.conftest import Story

PATIENT = "dora"


async def test_nothing_is_missing_and_nothing_is_too_much(story: Story):
    assert story.lived.wrong == []
    await story.nothing_is_left_over()


async def test_the_patient_hears_at_once_of_each_new_time(story: Story):
    moved = story.said(scheduling.AppointmentMoved)
    assert [(story.local(one.previous_starts_at), story.local(one.starts_at)) for one in moved] == [
        ("2027-01-29 11:00", "2027-01-29 15:00"),
        ("2027-02-01 11:00", "2027-02-01 14:00"),
        ("2027-02-03 11:00", "2027-02-05 11:00"),
    ]
    assert story.sent_at(Purpose.APPOINTMENT_MOVED) == [
        "2027-01-26 10:00",
        "2027-01-30 12:00",
        "2027-02-01 10:00",
    ]
    (note,) = story.notes(Channel.SMS, "2027-01-26 10:00")
    assert "3:00 PM" in note.body


async def test_reminders_of_the_old_times_never_go_out_and_those_of_the_new_do(story: Story):
    first = story.sent_at(Purpose.RIDE_REMINDER_48H)
    second = story.sent_at(Purpose.RIDE_REMINDER_24H)
    assert first == [
        "2027-01-20 11:00",
        "2027-01-23 11:00",
        "2027-01-25 11:00",
        "2027-01-27 15:00",  # not at 11:00, for the time before the move
        "2027-01-30 11:00",  # still true then: the visit is moved an hour later
        "2027-01-30 14:00",
        "2027-02-03 11:00",
    ]
    assert second == [
        "2027-01-21 11:00",
        "2027-01-24 11:00",
        "2027-01-26 11:00",
        "2027-01-28 15:00",
        "2027-01-31 14:00",
        "2027-02-04 11:00",
    ]


async def test_the_chair_of_the_old_time_is_free_again(story: Story):
    rows = await story.rows(
        "scheduling",
        "SELECT count(*) FROM appointments WHERE starts_at = '2027-02-03 16:00+00'",
    )
    assert rows == [(0,)]


async def test_a_moved_visit_is_charged_once(story: Story):
    assert story.charges() == [39900] * 6
