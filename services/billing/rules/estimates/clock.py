"""When a good faith estimate is due, when it is called late, and how long it holds.

45 CFR 149.610(b)(1)(vi): booked at least three business days ahead, within one business day of the
booking; at least ten ahead, within three; on request, within three. Booked later than that, only a
request makes it due. Each visit of a series is booked so, and (x) lets one estimate cover them all:
it is due by the earliest day of any of them. 149.610(b)(1)(vii): when what is expected changes, a
new one at least one business day before the next visit. Days are the clinic's own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.billing.rules.estimates import business_days

BOOKED_AHEAD_DAYS, WITHIN_DAYS = 3, 1  # (vi)(A)
BOOKED_FAR_AHEAD_DAYS, FAR_WITHIN_DAYS = 10, 3  # (vi)(B)
ASKED_WITHIN_DAYS = 3  # (vi)(C)
CHANGED_BEFORE_DAYS = 1  # (vii)

REMINDED_AT = time(9)
"""When somebody is reminded on the last day. The clinic's choice: a working day is left."""

TERM_YEARS = 1  # 149.610(b)(1)(x): one estimate covers recurring services for 12 months at most

PRICED_AT = time(12)
"""A fee is one of whole days: any hour of the day finds it."""

CHANGES_GATHER = timedelta(hours=1)
"""A visit that is cancelled and its replacement are one change. The figure is ours."""


def due_on_booking(booked_on: date, first_visit_on: date) -> date | None:
    """The last day on which the estimate of a booking is in time; `None` when none is due."""
    if booked_on <= business_days.subtract(first_visit_on, BOOKED_FAR_AHEAD_DAYS):
        return business_days.add(booked_on, FAR_WITHIN_DAYS)
    if booked_on <= business_days.subtract(first_visit_on, BOOKED_AHEAD_DAYS):
        return business_days.add(booked_on, WITHIN_DAYS)
    return None


def due_on_series(booked_on: date, first_on: date, last_on: date) -> date | None:
    """The same of a series; `None` when it is over within three business days.

    Its first visit at short notice frees the later ones of nothing. Of those only the last is told
    with the booking: between the two one may lie three to nine days ahead, and the shorter term
    holds.
    """
    due_on = due_on_booking(booked_on, first_on)
    if due_on is None and due_on_booking(booked_on, last_on) is not None:
        return business_days.add(booked_on, WITHIN_DAYS)
    return due_on


def due_on_request(asked_on: date) -> date:
    return business_days.add(asked_on, ASKED_WITHIN_DAYS)


def due_on_change(noticed_on: date, next_visit_on: date) -> date:
    """Noticed later than that, the day on which it is noticed."""
    return max(noticed_on, business_days.subtract(next_visit_on, CHANGED_BEFORE_DAYS))


def late_from(due_on: date, zone: ZoneInfo) -> datetime:
    """The moment at which the last day is over."""
    return datetime.combine(due_on + timedelta(days=1), time.min, zone).astimezone(UTC)


def last_day(late_from: datetime, zone: ZoneInfo) -> date:
    """The day that was over at such a moment."""
    return late_from.astimezone(zone).date() - timedelta(days=1)


def reminds_at(due_on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(due_on, REMINDED_AT, zone).astimezone(UTC)


def priced_at(first_on: date | None, now: datetime, zone: ZoneInfo) -> datetime:
    """When what is wished for is priced: at noon of its first day, and now without one."""
    if first_on is None:
        return now
    return max(now, datetime.combine(first_on, PRICED_AT, zone))


def expires_on(issued_on: date) -> date:
    """The last day on which an estimate holds; one of February 29 holds to February 28."""
    try:
        anniversary = issued_on.replace(year=issued_on.year + TERM_YEARS)
    except ValueError:
        anniversary = issued_on.replace(year=issued_on.year + TERM_YEARS, month=3, day=1)
    return anniversary - timedelta(days=1)
