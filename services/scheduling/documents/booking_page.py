"""The page on which a patient books a session: plain HTML, no script, nothing fetched.

It works by keyboard and for screen readers (WCAG 2.2, AA), in light and dark, and on paper. What
is put into it is escaped here; none of it is a patient's.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from services.scheduling.handlers.free_starts import FreeStart
from services.scheduling.handlers.sessions.self_booking import (
    Booked,
    Closed,
    Missed,
    Offer,
    Session,
)
from services.scheduling.rules.booking_links import LinkState
from services.scheduling.rules.visits.life import LOST
from shared.claims import LocationCard

STYLE = Path(__file__).with_name("booking_page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}

NOON, EVENING = 12, 17
"""At which hours a day's parts begin, as people speak of them."""

_CLOSED: dict[LinkState | None, tuple[str, str]] = {
    LinkState.EXPIRED: (
        "This link has expired",
        "Links work for a limited time. We will gladly send you a new one:",
    ),
    LinkState.REVOKED: (
        "This link is no longer in use",
        "For anything about your session,",
    ),
    None: (
        "This link does not work",
        "It may be incomplete. Please open it again from the message that we sent you.",
    ),
}


_WHY_AGAIN: dict[Missed | None, tuple[str, str]] = {
    None: ("Book your session", ""),
    Missed.TAKEN: (
        "That time is no longer free",
        '<strong>Nothing was booked.</strong> Please <a href="#times">choose another time</a>.',
    ),
    Missed.TOO_SOON: (
        "That time is too soon now",
        "<strong>Nothing was booked.</strong> Please choose a later time, or call us.",
    ),
    Missed.NONE_CHOSEN: (
        "Please choose a time",
        "<strong>Nothing was booked:</strong> no time that we offer was chosen."
        ' <a href="#times">Choose one below</a>.',
    ),
}
"""What a patient reads who has to choose again; a title is what a screen reader says first."""


def offer_page(offer: Offer, chosen: str | None, here: str) -> str:
    """The free times of a day, and the days that have any."""
    if not offer.days:
        return _page(
            "No free times at the moment",
            _about(offer.session, None)
            + f"<p>There is no free time in the next {offer.offered_days} days;"
            f" {_call(offer.session.place)}</p>",
        )
    first = next(iter(offer.days))
    day = next((day for day in offer.days if chosen is not None and str(day) >= chosen), first)
    title, words = _WHY_AGAIN[offer.missed]
    if offer.missed is None and chosen not in {None, str(day)}:
        nearest = "first" if day == first else "next"
        words = f"That day has no free time. The {nearest} that has is {_date(day)}."
    return _page(
        title,
        (f'<p class="alert" role="alert">{words}</p>' if words else "")
        + _about(offer.session, offer.days[day][0])
        + _days(offer.days, day, here)
        + _times(offer.days[day], day, offer.session.zone, here),
    )


def _about(session: Session, one: FreeStart | None) -> str:
    minutes = ""
    if one is not None:
        length_min = int((one.ends_at - one.starts_at).total_seconds() // 60)
        minutes = f"<div><dt>Length</dt><dd>{length_min} minutes</dd></div>"
    return (
        f'<dl class="about"><div><dt>Session</dt><dd>{escape(session.name)}</dd></div>'
        f"<div><dt>With</dt><dd>{escape(session.leader)}</dd></div>{minutes}"
        f"<div><dt>Where</dt><dd>{_address(session.place)}</dd></div></dl>"
    )


def _address(place: LocationCard) -> str:
    at = place.address
    lines = [place.name, at.line1, at.line2, f"{at.city}, {at.state} {at.postal_code}"]
    return "<br>".join(escape(line) for line in lines if line)


def _days(days: Mapping[date, Sequence[FreeStart]], chosen: date, here: str) -> str:
    links = "".join(
        f'<li><a href="{escape(here)}?day={day}#times"{_current(here=day == chosen)}>'
        f'<time datetime="{day}">{day:%a} <b>{day.day}</b> {day:%b}</time>'
        f"<small>{len(free)} free</small></a></li>"
        for day, free in days.items()
    )
    return (
        '<h2 id="days">1. Choose a day</h2>'
        f'<nav aria-labelledby="days"><ul class="days">{links}</ul></nav>'
    )


def _current(*, here: bool) -> str:
    return ' aria-current="date"' if here else ""


def _times(free: Sequence[FreeStart], day: date, zone: ZoneInfo, here: str) -> str:
    parts = "".join(
        f'<fieldset><legend>{part}<span class="unseen"> of {_date(day)}</span></legend>'
        '<div class="times">' + "".join(_time(each, zone) for each in those) + "</div></fieldset>"
        for part, those in groupby(free, lambda each: _part_of_day(each.starts_at, zone))
    )
    return (
        f'<h2 id="times" tabindex="-1">2. Choose a time on {_date(day)}</h2>'
        f'<p class="hint">Times are those of the clinic ({escape(zone.key.replace("_", " "))},'
        f" {free[0].starts_at.astimezone(zone):%Z}).</p>"
        f'<form method="post" action="{escape(here)}">{parts}'
        '<button type="submit">Book this time</button></form>'
    )


def _part_of_day(at: datetime, zone: ZoneInfo) -> str:
    hour = at.astimezone(zone).hour
    return "Morning" if hour < NOON else "Afternoon" if hour < EVENING else "Evening"


def _time(free: FreeStart, zone: ZoneInfo) -> str:
    at = free.starts_at.astimezone(zone)
    return (
        f'<label><input type="radio" name="starts_at" value="{at.isoformat()}" required>'
        f"{_clock(at)}</label>"
    )


def booked_page(booked: Booked, here: str) -> str:
    """What the link was used for."""
    visit, session = booked.visit, booked.session
    if visit.state in LOST:
        return _page(
            "This session was cancelled",
            f"<p>This link cannot be used again. For another session, {_call(session.place)}</p>",
        )
    at, end = (each.astimezone(session.zone) for each in (visit.starts_at, visit.ends_at))
    another = (
        '<p class="alert" role="alert"><strong>Nothing more was booked.</strong> '
        f"This link books one session, which is yours. For another, {_call(session.place)}</p>"
        if booked.another
        else ""
    )
    return _page(
        "You have booked a session already" if booked.another else "Your session is booked",
        f'{another}<p class="when"><time datetime="{at.isoformat()}">'
        f"<strong>{_date(at.date())}</strong>"
        f"<span>{_clock(at)} to {_clock(end)} {at:%Z}</span></time></p>"
        f"{_about(session, None)}"
        f'<p><a class="button" href="{escape(here)}/calendar.ics">Add to your calendar</a></p>'
        f'<p class="hint">If you cannot come: {_call(session.place)}</p>',
    )


def closed_page(closed: Closed) -> str:
    title, words = _CLOSED[closed.state]
    call = "" if closed.place is None else _call(closed.place)
    return _page(title, f"<p>{words} {call}</p>")


def fault_page() -> str:
    """What a patient reads where a program would read a problem's JSON."""
    return _page(
        "Something is wrong on our side",
        '<p class="alert" role="alert">Please open your link again in a few minutes. If a time was'
        " booked, the page will say so; you cannot book it twice.</p>",
    )


def _call(place: LocationCard) -> str:
    shown = escape(_spoken(place.phone))
    return f'please call us: <a href="tel:{escape(place.phone)}">{shown}</a>.'


def _spoken(phone: str) -> str:
    """A North American number as it is written there; any other as it is."""
    if phone.startswith("+1") and len(phone) == len("+12025550100"):
        return f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    return phone


def _date(day: date) -> str:
    return f"{day:%A}, {day:%B} {day.day}"


def _clock(at: datetime) -> str:
    hour = at.hour % 12 or 12
    return f"{hour}:{at:%M} {'a.m.' if at.hour < NOON else 'p.m.'}"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
