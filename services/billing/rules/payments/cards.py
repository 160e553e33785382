"""A card set-up's life, pending, ready for the patient's browser, saved or failed; a card's end."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from services.billing.rules.clinic import CLINIC_ZONE, clinic_day, next_at

LOOK_AGAIN_AFTER = timedelta(hours=1)
"""A patient confirms within minutes. If no webhook tells us, we ask once ourselves."""


NOTICED_AT = time(10)
"""On the clinic's wall: an hour at which a patient may be written to (47 CFR 64.1200(c)(1): 8 to
21), and somebody answers the phone (FAQ: open from 9)."""

NOTICED_AT_ONCE = 1000
"""What one morning tells of, what expires first before the rest; the next one goes on."""


class SetupState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    SAVED = "saved"
    FAILED = "failed"


_MOVES = {
    SetupState.PENDING: frozenset({SetupState.READY, SetupState.SAVED, SetupState.FAILED}),
    SetupState.READY: frozenset({SetupState.SAVED, SetupState.FAILED}),
    SetupState.SAVED: frozenset[SetupState](),
    SetupState.FAILED: frozenset[SetupState](),
}


def may_become(state: SetupState, to: SetupState) -> bool:
    """Whether news of a set-up is news. A repeated webhook or a late answer is not."""
    return to in _MOVES[state]


def expires_at(month: int, year: int) -> datetime:
    """When a card is no longer good: a card is good to the end of the month that it names."""
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return datetime.combine(first_of_next, time.min, CLINIC_ZONE)


def next_notice(now: datetime) -> datetime:
    """The next morning on which patients are told, in UTC."""
    return next_at(NOTICED_AT, now)


def last_good_day(expires_at: datetime) -> date:
    return clinic_day(expires_at) - timedelta(days=1)


def what_to_do(expires_on: date, last_visit_at: datetime | None) -> str:
    """A card that expires, for whoever asks the patient."""
    words = f"The card is good until {expires_on:%B} {expires_on.day}, {expires_on.year}"
    if last_visit_at is not None and clinic_day(last_visit_at) > expires_on:
        day = clinic_day(last_visit_at)
        words += f", and a visit is booked on {day:%B} {day.day}, {day.year}"
    return (
        f"{words}. If its bank does not renew it by itself, ask the patient for another card:"
        " POST /patients/…/card-setups."
    )
