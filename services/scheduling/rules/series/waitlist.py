"""Whom a freed chair is offered to: who may have it, and who comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import at_wall, on_the_wall
from shared.refusals import Broken


class WishState(StrEnum):
    WAITING = "waiting"
    FILLED = "filled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """All its times have passed."""


class OfferState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    LOST = "lost"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """The patient's visits are such by now that they need it no more, or cannot have it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a patient can come: a visit begins and ends within it."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """One who may have the chair. `due_by` is the last day that saves a gap, if this chair does."""

    wish_id: UUID
    patient_id: UUID
    due_by: date | None
    made_at: datetime


def ask_at(now: datetime, zone: ZoneInfo, from_min: int, until_min: int) -> datetime:
    """When patients may be asked: now, or at the next time of day at which the house asks."""
    local = now.astimezone(zone)
    if from_min <= local.hour * 60 + local.minute < until_min:
        return now
    day = local.date() + timedelta(days=local.hour * 60 >= until_min)
    return at_wall(day, from_min, zone)


def fits(windows: Sequence[Span], starts_at: datetime, ends_at: datetime) -> bool:
    return any(each.since <= starts_at and ends_at <= each.until for each in windows)


def first_come(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those whose gap would break come first, the one with the least time left ahead; then by age.

    One patient is asked once for a chair, whatever the number of wishes.
    """
    ranked = sorted(
        candidates,
        key=lambda each: (
            each.due_by is None,
            each.due_by or date.max,
            each.made_at,
            each.wish_id,
        ),
    )
    first: dict[UUID, Candidate] = {}
    for each in ranked:
        first.setdefault(each.patient_id, each)
    return list(first.values())


def broken_by_windows(windows: Sequence[Span], now: datetime) -> list[Broken]:
    return [
        Broken(
            "window",
            "This time ends before it begins, or has passed; name a time to come.",
            "the calendar",
            f"windows.{n}",
        )
        for n, each in enumerate(windows)
        if each.since >= each.until or each.until <= now
    ]


def broken_by_wish(state: WishState) -> list[Broken]:
    if state is WishState.WAITING:
        return []
    return [
        Broken(
            "wish_over",
            f"The wish is {state}; only one that waits can be withdrawn.",
            "a wish's life: waiting, then filled, withdrawn or expired",
            "wish_id",
        )
    ]


def broken_by_other_wish(*, has_wish: bool) -> list[Broken]:
    if not has_wish:
        return []
    return [
        Broken(
            "waits_already",
            "The patient is on the list for the same already; withdraw that wish to name other"
            " times.",
            "one wish for each infusion that a patient waits for",
            "patient_id",
        )
    ]


def broken_by_waiting_for_nothing(*, has_place: bool) -> list[Broken]:
    if has_place:
        return []
    return [
        Broken(
            "nothing_to_wait_for",
            "The patient has no open series here that lacks an infusion; name the booked visit that"
            " would move, or plan a series.",
            "a series is booked whole, and a lost infusion is given in another's place",
            "appointment_id",
        )
    ]


def nothing_ordered() -> Broken:
    return Broken(
        "nothing_ordered",
        "No such treatment of this patient is to come here; name the booked one that would move, or"
        " say in ordered_by and diagnoses who orders one and for what.",
        "a treatment outside a series is ordered by a clinician",
        "appointment_id",
    )


def broken_by_needless_order(*, is_ordered: bool) -> list[Broken]:
    """What is booked, or lacks in a series, is ordered already."""
    if not is_ordered:
        return []
    return [
        Broken(
            "order_needless",
            "It is ordered already; leave ordered_by and diagnoses out.",
            "a treatment outside a series is ordered by a clinician",
            "ordered_by",
        )
    ]


def broken_by_offer(
    state: OfferState, expires_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether an offer can still be answered, and if not, what became of it."""
    source = "offers go to several; the first who accepts has the chair"
    if state is OfferState.OPEN and now < expires_at:
        return []
    told = {
        OfferState.TAKEN: ("offer_taken", "This offer was accepted already; read the visit."),
        OfferState.LOST: ("offer_lost", "Another patient accepted this chair first."),
        OfferState.DECLINED: ("offer_declined", "This offer was declined."),
        OfferState.WITHDRAWN: (
            "offer_withdrawn",
            "The patient's visits have changed since; look at them, and book as they are now.",
        ),
    }
    expired = ("offer_expired", f"This offer ran out at {on_the_wall(expires_at, zone)}.")
    rule, detail = told.get(state, expired)
    return [Broken(rule, detail, source, "offer_id")]
