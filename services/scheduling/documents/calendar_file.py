"""Visits as an iCalendar file (RFC 5545), for a patient's own calendar.

Its text is neutral: a calendar is seen by family, employers and the companies that keep it. It
says where and when, and nothing of what is given or why. A clinic's own name may say that: only a
name that it has recorded for calendars is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress
from icalendar.enums import STATUS

from services.scheduling.rules.visits.life import FREED
from services.scheduling.tables import Appointment
from shared.claims import LocationCard

MEDIA_TYPE = "text/calendar; charset=utf-8"
SUMMARY = "Appointment"
PRODUCT = "-//practice//scheduling//EN"

ZONE_MARGIN = timedelta(days=366)
"""How far around its visits a file describes its zone: each sees the last change of clocks before
it, and the next one after."""


def calendar_of(
    visits: Sequence[Appointment], place: LocationCard, name: str | None, now: datetime
) -> bytes:
    """One file of visits at one place, under a name for calendars or with its address alone.

    A visit keeps its UID for good, and its SEQUENCE rises with every change, so a newer file
    replaces what a calendar has of an older one. A file of which nothing stands any more asks
    calendars to cancel (RFC 5546, 3.2.5); any other states what is.
    """
    zone = ZoneInfo(place.zone)
    lost = all(visit.state in FREED for visit in visits)
    calendar = Calendar.new(prodid=PRODUCT, method="CANCEL" if lost else "PUBLISH")
    for visit in visits:
        calendar.add_component(_event(visit, place, name, zone, now))
    calendar.add_missing_timezones(
        min(visit.starts_at for visit in visits).date() - ZONE_MARGIN,
        max(visit.ends_at for visit in visits).date() + ZONE_MARGIN,
    )
    content: bytes = calendar.to_ical()
    return content


def _event(
    visit: Appointment, place: LocationCard, name: str | None, zone: ZoneInfo, now: datetime
) -> Event:
    return Event.new(
        uid=str(visit.appointment_id),
        sequence=visit.revision,
        stamp=now,
        start=visit.starts_at.astimezone(zone),
        end=visit.ends_at.astimezone(zone),
        status=STATUS.CANCELLED if visit.state in FREED else STATUS.CONFIRMED,
        summary=SUMMARY,
        location=_where(place, name),
        description=f"Questions, or another time: {place.phone}",
        organizer=vCalAddress(f"tel:{place.phone}", params={} if name is None else {"CN": name}),
    )


def _where(place: LocationCard, name: str | None) -> str:
    at = place.address
    lines = [name, at.line1, at.line2, at.city, f"{at.state} {at.postal_code}"]
    return ", ".join(line for line in lines if line)
