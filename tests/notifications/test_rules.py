"""When each message falls due and until when it helps; and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications import words
from services.notifications.rules import (
    REMINDERS,
    Appointment,
    AppointmentState,
    NotSent,
    fasting_due_at,
    helps_until,
    needs_of,
    no_food_from,
    plan_reminders,
    untrue_because,
)
from services.notifications.words import Clinic, Place
from shared.events.notifications import Purpose
from shared.events.scheduling import VisitType

NEW_YORK = ZoneInfo("America/New_York")
MOOD = needs_of(VisitType.KETAMINE_MOOD, ride_needed=None, fasting_min=None)
HOUR = timedelta(hours=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

moments = st.integers(0, 10 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
zones = st.sampled_from(
    [ZoneInfo(name) for name in ("America/New_York", "America/Phoenix", "Pacific/Honolulu")]
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def planned(starts_at: datetime, now: datetime) -> dict[Purpose, datetime | None]:
    """Each reminder's moment; `None` where it is dropped."""
    return {
        reminder.purpose: None if reminder.dropped else reminder.due_at
        for reminder in plan_reminders(MOOD, starts_at, NEW_YORK, now)
    }


def test_ride_reminders_go_48_and_24_hours_before_each_visit():
    starts_at = local("2026-11-24 10:00")
    plan = planned(starts_at, LONG_AGO)
    assert plan[Purpose.RIDE_REMINDER_48H] == starts_at - 48 * HOUR
    assert plan[Purpose.RIDE_REMINDER_24H] == starts_at - 24 * HOUR


@pytest.mark.parametrize(
    ("visit", "told"),
    [
        ("2026-11-24 21:00", "2026-11-24 17:00"),
        ("2026-11-24 14:00", "2026-11-24 10:00"),
        ("2026-11-24 12:00", "2026-11-24 08:00"),
        ("2026-11-24 11:59", "2026-11-23 18:00"),
        ("2026-11-24 09:00", "2026-11-23 18:00"),
        ("2026-11-24 00:30", "2026-11-23 20:30"),
        ("2026-11-24 02:00", "2026-11-23 18:00"),
        ("2026-03-08 09:00", "2026-03-07 18:00"),  # the clocks go forward in the night between
        ("2026-03-08 12:00", "2026-03-08 08:00"),
        ("2026-11-01 12:00", "2026-11-01 08:00"),  # ... and back
        ("2026-11-01 04:00", "2026-10-31 18:00"),
        ("2026-01-01 09:00", "2025-12-31 18:00"),
    ],
)
def test_the_fasting_reminder_comes_at_a_decent_hour_of_the_clinics_clock(visit: str, told: str):
    assert fasting_due_at(local(visit), NEW_YORK) == local(told)


@given(moments, zones)
def test_the_fasting_reminder_is_always_decent_and_in_time(starts_at: datetime, zone: ZoneInfo):
    due_at = fasting_due_at(starts_at, zone)
    assert time(8) <= due_at.astimezone(zone).time() <= time(21)
    assert timedelta(hours=2) <= no_food_from(starts_at) - due_at <= timedelta(hours=17)


def test_no_food_is_two_hours_of_elapsed_time_across_the_change_of_clocks():
    starts_at = local("2026-03-08 04:30")  # 2 AM became 3 AM
    assert words.when(no_food_from(starts_at), NEW_YORK) == "Sun, Mar 8 at 1:30 AM EST"


@pytest.mark.parametrize(
    ("hours_before", "first", "second", "fasting"),
    [
        (48, "on time", "on time", "on time"),
        (47.99, None, "on time", "on time"),
        (24, None, "now", "on time"),
        (12, None, "now", "now"),
        (2.5, None, "now", "now"),
        (2, None, "now", None),
        (1.01, None, "now", None),
        (1, None, None, None),
        (-1, None, None, None),
    ],
)
def test_a_late_booking_is_reminded_of_what_still_helps(
    hours_before: float, first: str | None, second: str | None, fasting: str | None
):
    starts_at = local("2026-11-24 10:00")
    now = starts_at - timedelta(hours=hours_before)
    plan = planned(starts_at, now)
    for purpose, expected in zip(REMINDERS, (first, second, fasting), strict=True):
        due_at = plan[purpose]
        match expected:
            case None:
                assert due_at is None, purpose
            case "now":
                assert due_at == now, purpose
            case _:
                assert due_at is not None
                assert due_at >= now


@given(moments, moments, zones)
def test_no_reminder_is_planned_for_the_past_or_when_it_helps_no_more(
    starts_at: datetime, now: datetime, zone: ZoneInfo
):
    for reminder in plan_reminders(MOOD, starts_at, zone, now):
        if not reminder.dropped:
            assert now <= reminder.due_at < helps_until(reminder.purpose, starts_at)


@pytest.mark.parametrize(
    ("visit_type", "ride_needed", "fasting_min", "count"),
    [
        (VisitType.KETAMINE_MOOD, None, None, 3),
        (VisitType.KETAMINE_PAIN, None, None, 3),
        (VisitType.PREPARATION, None, None, 0),
        (VisitType.OTHER, True, 120, 3),
        (VisitType.OTHER, True, 0, 2),
        (VisitType.OTHER, False, 240, 1),
        (VisitType.OTHER, False, 0, 0),
        (VisitType.KETAMINE_MOOD, False, 0, 0),
    ],
)
def test_a_visit_is_reminded_of_what_its_booking_asks_and_else_of_what_its_type_does(
    visit_type: VisitType,
    ride_needed: bool | None,  # noqa: FBT001  # a table's column
    fasting_min: int | None,
    count: int,
):
    needs = needs_of(visit_type, ride_needed=ride_needed, fasting_min=fasting_min)
    starts_at = local("2026-11-24 10:00")
    assert len(plan_reminders(needs, starts_at, NEW_YORK, LONG_AGO)) == count


@pytest.mark.parametrize(
    ("visit", "hours", "told"),
    [
        ("2026-11-24 18:00", 4, "2026-11-24 12:00"),
        ("2026-11-24 10:00", 8, "2026-11-23 18:00"),
        ("2026-11-24 09:00", 12, "2026-11-23 19:00"),
        ("2026-11-24 09:00", 9, "2026-11-23 18:00"),
    ],
)
def test_who_fasts_longer_is_told_earlier(visit: str, hours: int, told: str):
    assert fasting_due_at(local(visit), NEW_YORK, hours * HOUR) == local(told)


@pytest.mark.parametrize(
    ("state", "revision", "hours_left", "reason"),
    [
        (AppointmentState.BOOKED, 2, 24, None),
        (AppointmentState.BOOKED, 3, 24, NotSent.APPOINTMENT_MOVED),
        (AppointmentState.CANCELLED, 3, 24, NotSent.APPOINTMENT_CANCELLED),
        (AppointmentState.BOOKED, 2, 1, NotSent.MOMENT_PASSED),
        (AppointmentState.BOOKED, 2, -1, NotSent.MOMENT_PASSED),
    ],
)
def test_when_it_fires_a_reminder_is_held_against_the_truth(
    state: AppointmentState, revision: int, hours_left: int, reason: NotSent | None
):
    now = local("2026-11-24 10:00")
    visit = Appointment(now + hours_left * HOUR, revision, state, ride_confirmed=False)
    assert untrue_because(Purpose.RIDE_REMINDER_24H, 2, visit, now) is reason


CLINIC = Clinic("Elm Clinic", "+12025550100")
MESSAGE_ID = UUID("019f0000-0000-7000-8000-000000012345")
PLACE = Place("Main Street", NEW_YORK, "+12025550199")
AT = local("2026-11-24 09:00")
LONGEST = Place("W" * 60, NEW_YORK, "+123456789012345")


def every_text(first_name: str, place: Place, clinic: Clinic) -> list[str]:
    said = [
        words.ride_reminder(first_name, AT, place, ride=False),
        words.ride_reminder(first_name, AT, place, ride=True),
        words.fasting_reminder(first_name, no_food_from(AT), place),
        words.appointment_moved(first_name, AT, place),
        words.no_driving(first_name, AT, place),
        words.chair_offered(first_name, AT, place),
        words.spray_no_driving(first_name),
        words.payment_failed(first_name),
    ]
    return [words.as_text(one, clinic, MESSAGE_ID) for one in said]


def test_every_text_takes_one_part_and_two_with_the_longest_names():
    usual = every_text("Angela", PLACE, Clinic("Elm Clinic", "+12025550100"))
    assert max(map(len, usual)) <= 160
    assert all("Hi Angela, " in text for text in usual)
    longest = every_text("W" * 30, LONGEST, Clinic("W" * 32, "+12025550100"))
    assert max(map(words.segments, longest)) == 2


def test_a_place_that_is_called_as_the_clinic_is_not_named_twice():
    for at_home in every_text("Angela", Place(CLINIC.name, NEW_YORK, "+12025550199"), CLINIC):
        assert at_home.count(CLINIC.name) == 1, at_home
    named = [text for text in every_text("Angela", PLACE, CLINIC) if " at Main Street" in text]
    assert len(named) == 4
    unsaid = words.appointment_moved("Angela", AT, Place(CLINIC.name, NEW_YORK, "+12025550199"))
    assert words.as_text(unsaid, CLINIC, MESSAGE_ID).startswith(
        "Elm Clinic: Hi Angela, your visit is now Tue, Nov 24 at 9:00 AM EST. Questions?"
    )


def test_a_greeting_that_needs_a_second_part_is_left_out():
    place = Place("Old Town Square", NEW_YORK, "+12025550199")
    for text in every_text("Maximiliana", place, Clinic("Elm Clinic", "+12025550100")):
        assert words.segments(text) == 1
    reminder = words.ride_reminder("Maximiliana", AT, place, ride=True)
    assert "Hi " not in words.as_text(reminder, CLINIC, MESSAGE_ID)


@given(st.text(max_size=30), st.text(max_size=60))
def test_every_text_holds_characters_of_a_text_message_only(first_name: str, place_name: str):
    place = Place(place_name, NEW_YORK, "+12025550199")
    for text in every_text(first_name, place, CLINIC):
        assert words.fits_gsm7(text)


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Zoë", "Hi Zoe, "),
        ("José", "Hi José, "),
        ("Ángel", "Hi Angel, "),
        ("D\u2019Arcy", "Hi D'Arcy, "),
        ("Łucja", ""),
        ("美咲", ""),
    ],
)
def test_a_name_that_a_text_cannot_carry_is_written_as_near_as_it_can(name: str, greeting: str):
    text = words.as_text(words.payment_failed(name), CLINIC, MESSAGE_ID)
    assert text.startswith(f"Elm Clinic: {greeting}your last payment")


UNSPEAKABLE = (
    "ketamine", "infusion", "depress", "pain", "spray", "nasal", "drug", "dose", "treatment",
    "diagnos", "mental", "psych", "canary", "prescri", "iv ",
)  # fmt: skip


def test_no_message_names_a_drug_an_illness_or_what_the_visit_is_for():
    mails = [words.receipt("Testa", 39900), words.superbill("Testa", "SB-1")]
    letters = [f"{mail.subject} {words.as_mail(mail, CLINIC)}" for mail in mails]
    for text in [*every_text("Testa", PLACE, CLINIC), *letters]:
        assert [word for word in UNSPEAKABLE if word in text.lower()] == []


def test_no_text_invites_a_word_that_stops_all_texts_except_stop_itself():
    for text in every_text("Testa", PLACE, CLINIC):
        assert text.count("STOP") == 1
        assert text.endswith(" STOP to opt out.")
        assert not any(word in text for word in ("CANCEL", "END", "QUIT", "YES"))


def test_every_text_names_the_clinic_and_the_phone_of_the_place_it_is_about():
    reminder, *_ = every_text("Testa", PLACE, CLINIC)
    assert reminder.startswith("Elm Clinic: ")
    assert "(202) 555-0199" in reminder
    assert "(202) 555-0100" in words.as_text(words.payment_failed("Testa"), CLINIC, MESSAGE_ID)


@pytest.mark.parametrize(
    ("moment", "zone", "said"),
    [
        ("2026-11-24T14:00:00+00:00", "America/New_York", "Tue, Nov 24 at 9:00 AM EST"),
        ("2026-07-04T16:05:00+00:00", "America/New_York", "Sat, Jul 4 at 12:05 PM EDT"),
        ("2026-07-05T04:30:00+00:00", "America/New_York", "Sun, Jul 5 at 12:30 AM EDT"),
        ("2026-11-01T05:30:00+00:00", "America/New_York", "Sun, Nov 1 at 1:30 AM EDT"),
        ("2026-11-01T06:30:00+00:00", "America/New_York", "Sun, Nov 1 at 1:30 AM EST"),
        ("2026-07-05T04:30:00+00:00", "America/Phoenix", "Sat, Jul 4 at 9:30 PM MST"),
    ],
)
def test_a_time_is_said_with_its_date_and_zone(moment: str, zone: str, said: str):
    assert words.when(datetime.fromisoformat(moment), ZoneInfo(zone)) == said


@pytest.mark.parametrize(
    ("e164", "dialled"),
    [("+12025550147", "(202) 555-0147"), ("+442079460000", "+442079460000")],
)
def test_a_phone_is_written_as_people_dial_it(e164: str, dialled: str):
    assert words.as_dialled(e164) == dialled
