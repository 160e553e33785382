"""Federal business days, and by when a good faith estimate is due. No clock, no sockets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.estimates import business_days, clock

# As the US Office of Personnel Management lists them (opm.gov, "Federal Holidays").
OPM = {
    2021: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24",
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
}
KEPT_THE_YEAR_BEFORE = {2022: date(2021, 12, 31), 2028: date(2027, 12, 31)}


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize("year", OPM)
def test_the_federal_holidays_are_those_that_opm_lists(year: int):
    listed = {day(f"{year}-{each}") for each in OPM[year].split()}
    first = {KEPT_THE_YEAR_BEFORE[year]} if year in KEPT_THE_YEAR_BEFORE else set()
    assert business_days.federal_holidays(year) == listed | first


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("2026-11-28", "Saturday"),
        ("2026-11-29", "Sunday"),
        ("2026-11-26", "Thanksgiving"),
        ("2026-07-03", "July 4 is a Saturday"),
        ("2027-07-05", "July 4 is a Sunday"),
        ("2027-12-31", "January 1 of the next year is a Saturday"),
    ],
)
def test_nobody_works_on_a_federal_day_off(on: str, why: str):
    assert not business_days.is_business_day(day(on)), why


@pytest.mark.parametrize(
    "on", ["2026-11-27", "2026-12-24", "2026-12-31", "2020-06-19", "2021-01-20"]
)
def test_the_day_after_thanksgiving_the_eves_and_inauguration_day_are_business_days(on: str):
    assert business_days.is_business_day(day(on))


@pytest.mark.parametrize(
    ("booked_on", "first_visit_on", "due_on"),
    [
        # (vi)(A): at least 3 business days ahead, within 1 business day of the booking
        ("2026-11-02", "2026-11-05", "2026-11-03"),  # Monday for Thursday
        ("2026-11-06", "2026-11-12", "2026-11-09"),  # Friday; Veterans Day lies between
        ("2026-11-07", "2026-11-13", "2026-11-09"),  # Saturday counts from its Monday on
        ("2026-11-07", "2026-11-12", None),
        ("2026-11-25", "2026-12-01", "2026-11-27"),  # the day before Thanksgiving
        ("2026-12-23", "2026-12-30", "2026-12-24"),  # over Christmas
        ("2027-12-29", "2028-01-04", "2027-12-30"),  # New Year is kept on December 31
        # (vi)(B): at least 10, within 3
        ("2026-11-02", "2026-11-17", "2026-11-05"),
        ("2026-12-21", "2027-01-06", "2026-12-24"),
        ("2026-10-30", "2026-11-16", "2026-11-04"),  # the clocks go back on November 1
        # later than 3: none, unless it is asked for
        ("2026-11-02", "2026-11-04", None),
        ("2026-11-10", "2026-11-13", None),  # Veterans Day does not count
        ("2026-11-05", "2026-11-05", None),
        ("2026-11-06", "2026-11-05", None),  # booked afterwards
        # the edge of 10: Veterans Day again
        ("2026-11-02", "2026-11-16", "2026-11-03"),
    ],
)
def test_the_estimate_of_a_booking_is_due_by_business_days(
    booked_on: str, first_visit_on: str, due_on: str | None
):
    """45 CFR 149.610(b)(1)(vi)(A) and (B)."""
    found = clock.due_on_booking(day(booked_on), day(first_visit_on))
    assert found == (due_on and day(due_on))


@pytest.mark.parametrize(
    ("asked_on", "due_on"),
    [
        ("2026-11-02", "2026-11-05"),
        ("2026-11-06", "2026-11-12"),  # a weekend and Veterans Day
        ("2026-12-30", "2027-01-05"),  # New Year's Day and a weekend
        ("2026-11-28", "2026-12-02"),  # asked on a Saturday
    ],
)
def test_who_asks_has_an_answer_within_three_business_days(asked_on: str, due_on: str):
    """45 CFR 149.610(b)(1)(vi)(C)."""
    assert clock.due_on_request(day(asked_on)) == day(due_on)


@pytest.mark.parametrize(
    ("noticed_on", "next_visit_on", "due_on"),
    [
        ("2026-11-02", "2026-11-10", "2026-11-09"),
        ("2026-11-02", "2026-11-12", "2026-11-10"),  # not on Veterans Day
        ("2026-11-09", "2026-11-09", "2026-11-09"),  # too late: at once
    ],
)
def test_a_change_is_estimated_a_business_day_before_the_next_visit(
    noticed_on: str, next_visit_on: str, due_on: str
):
    """45 CFR 149.610(b)(1)(vii)."""
    assert clock.due_on_change(day(noticed_on), day(next_visit_on)) == day(due_on)


def test_the_last_day_ends_at_the_clinics_midnight_in_summer_and_winter():
    assert clock.late_from(day("2026-07-01"), CLINIC_ZONE) == datetime(2026, 7, 2, 4, tzinfo=UTC)
    assert clock.late_from(day("2026-11-02"), CLINIC_ZONE) == datetime(2026, 11, 3, 5, tzinfo=UTC)
    before, after = (clock.late_from(day(f"2026-10-{on}"), CLINIC_ZONE) for on in ("30", "31"))
    assert after - before == timedelta(hours=24)
    sunday = clock.late_from(day("2026-11-01"), CLINIC_ZONE)
    assert sunday - after == timedelta(hours=25)


@pytest.mark.parametrize(
    ("issued_on", "expires_on"),
    [("2026-11-28", "2027-11-27"), ("2028-02-29", "2029-02-28"), ("2027-03-01", "2028-02-29")],
)
def test_an_estimate_holds_for_twelve_months(issued_on: str, expires_on: str):
    """45 CFR 149.610(b)(1)(x)."""
    assert clock.expires_on(day(issued_on)) == day(expires_on)


DAYS = st.dates(date(2021, 7, 1), date(2060, 1, 1))


@pytest.mark.parametrize(
    ("first_on", "last_on", "due_on"),
    [
        ("2026-11-03", "2026-11-27", "2026-11-03"),  # tomorrow, and for four weeks
        ("2026-11-03", "2026-11-05", "2026-11-03"),  # the last is three days ahead
        ("2026-11-03", "2026-11-04", None),  # over before an estimate is due
        ("2026-11-06", "2026-11-27", "2026-11-03"),
        ("2026-11-17", "2026-12-18", "2026-11-05"),  # all of them ten days ahead
    ],
)
def test_a_first_visit_at_short_notice_frees_the_later_ones_of_nothing(
    first_on: str, last_on: str, due_on: str | None
):
    due = clock.due_on_series(day("2026-11-02"), day(first_on), day(last_on))
    assert due == (None if due_on is None else day(due_on))


@given(on=DAYS, count=st.integers(1, 30))
def test_so_many_business_days_on_and_back_is_where_one_was(on: date, count: int):
    later = business_days.add(on, count)
    assert business_days.is_business_day(later)
    start = on if business_days.is_business_day(on) else business_days.subtract(on, 1)
    assert business_days.subtract(later, count) == start


@given(booked_on=DAYS, ahead=st.integers(0, 60))
def test_an_estimate_that_is_due_is_due_before_the_visit(booked_on: date, ahead: int):
    first_visit_on = booked_on + timedelta(days=ahead)
    due_on = clock.due_on_booking(booked_on, first_visit_on)
    assert due_on is None or booked_on < due_on < first_visit_on
