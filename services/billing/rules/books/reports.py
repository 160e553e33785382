"""How the accountant's reports are cut: by age, by month, by kind of visit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.billing.rules.clinic import CLINIC_ZONE
from shared.refusals import Broken

MOST_MONTHS = 36
"""Of one report. The figure is ours."""

MOST_JOURNAL_DAYS = 92
"""Of one journal file: a quarter. The figure is ours."""


class Bucket(StrEnum):
    """How long something has been owed, in days since the service."""

    CURRENT = "0-30"
    OVER_30 = "31-60"
    OVER_60 = "61-90"
    OVER_90 = "91-120"
    OVER_120 = "over 120"


BEGINS_AFTER_DAYS = {
    Bucket.CURRENT: -1,
    Bucket.OVER_30: 30,
    Bucket.OVER_60: 60,
    Bucket.OVER_90: 90,
    Bucket.OVER_120: 120,
}
"""The customary thirty-day steps of an aging report."""


def bucket_of(age_days: int) -> Bucket:
    """Where a debt of this age stands. One of a service still to come is current."""
    return [one for one in Bucket if age_days > BEGINS_AFTER_DAYS[one] or one is Bucket.CURRENT][-1]


def end_of(day: date, zone: ZoneInfo = CLINIC_ZONE) -> datetime:
    """The first moment after a day, by the clinic's wall or by another place's."""
    return datetime.combine(day + timedelta(days=1), time.min, zone)


def begin_of(day: date, zone: ZoneInfo = CLINIC_ZONE) -> datetime:
    return datetime.combine(day, time.min, zone)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the clinic's calendar."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        local = moment.astimezone(CLINIC_ZONE)
        return cls(local.year, local.month)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def next(self) -> Month:
        return self.plus(1)

    def plus(self, months: int) -> Month:
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def months(first: Month, last: Month) -> Iterator[Month]:
    """Every month from the first to the last."""
    month = first
    while month <= last:
        yield month
        month = month.next


def broken_by_months(first: Month, last: Month) -> list[Broken]:
    """What forbids a report over these months."""
    if last < first:
        return [
            Broken("months_reversed", "The last month is before the first.", "a calendar", "until")
        ]
    if first.plus(MOST_MONTHS) <= last:
        return [
            Broken(
                "too_many_months",
                f"A report covers {MOST_MONTHS} months at the most. Ask for several.",
                "a figure of ours, so that one report stays readable",
                "until",
            )
        ]
    return []


def broken_by_days(since: date, until: date) -> list[Broken]:
    """What forbids a journal of these days."""
    if until < since:
        return [Broken("days_reversed", "The last day is before the first.", "a calendar", "until")]
    if (until - since).days >= MOST_JOURNAL_DAYS:
        return [
            Broken(
                "too_many_days",
                f"One file covers {MOST_JOURNAL_DAYS} days at the most. Ask for several.",
                "a figure of ours: a quarter in a file",
                "until",
            )
        ]
    return []


@dataclass(frozen=True, slots=True)
class Earned:
    """A kind of visit in a month. `net_cents` is what of it stays earned."""

    month: Month
    visit_type: str
    gross_cents: int
    discounts_cents: int
    refunds_cents: int

    @property
    def net_cents(self) -> int:
        return self.gross_cents - self.discounts_cents - self.refunds_cents


def visit_types(earned: Sequence[Earned]) -> list[str]:
    """Every kind of visit, the one that brings most first."""
    sums: dict[str, int] = {}
    for one in earned:
        sums[one.visit_type] = sums.get(one.visit_type, 0) + one.net_cents
    return sorted(sums, key=lambda name: (-sums[name], name))
