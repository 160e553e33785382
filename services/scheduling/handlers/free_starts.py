"""When a single visit can be had: the same days, figures and bookings that plans are made by."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.handlers.series.plans import place_of, rooms_for
from services.scheduling.rules.clinic.policy import at_wall
from services.scheduling.rules.planner.day import Day
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.tables import Location
from shared.messaging import Transaction
from shared.refusals import Broken

NOBODY = UUID(int=0)
"""A patient who has no bookings: whoever it will be is not known yet."""


@dataclass(frozen=True, slots=True)
class FreeStart:
    """A start at which everything that a visit needs is free, and what it would be booked in."""

    starts_at: datetime
    ends_at: datetime
    resource_id: UUID


@dataclass(frozen=True, slots=True)
class Free:
    """The free starts of some days, by time; where there is none, the rules that say so."""

    starts: list[FreeStart]
    why_none: list[Broken]


async def free_starts(
    tx: Transaction,
    location: Location,
    visit_type: str,
    first: date,
    last: date,
    patient_id: UUID = NOBODY,
) -> Free:
    """When a visit that needs a chair can be had at a place, day by day."""
    wishes = Preferences(first, last)
    place = await place_of(tx, location, visit_type, patient_id, wishes)
    days = await asyncio.to_thread(days_of, place, first, last)
    return free_on(days)


async def free_sessions(
    tx: Transaction,
    location: Location,
    visit_type: str,
    led_by: UUID,
    first: date,
    last: date,
    patient_id: UUID,
) -> Free:
    """When a clinician can lead a session with a patient: no chair is taken, and no nurse."""
    zone = ZoneInfo(location.zone)
    policy = await store.policy_of(tx, location.location_id, visit_type)
    since, until = at_wall(first, 0, zone), at_wall(last + timedelta(days=1), 0, zone)
    taken = await store.taken_of_leader(tx, led_by, patient_id, since=since, until=until)
    unwatched = replace(policy, rosters=())
    rooms, used = await rooms_for(tx, policy, location, since, until)
    place = Place(
        zone, unwatched, [led_by], taken, patient_id, tx.now, rooms=rooms, rooms_used=used
    )
    return free_on(await asyncio.to_thread(days_of, place, first, last))


def free_on(days: list[Day]) -> Free:
    starts = [
        FreeStart(start.at, start.at + timedelta(minutes=day.holds_min), day.chair_for(start))
        for day in days
        for start in day.starts
    ]
    why = [] if starts else [day.why_not(day.asked) for day in days]
    return Free(starts, why)


def today_at(location: Location, tx: Transaction) -> date:
    return tx.now.astimezone(ZoneInfo(location.zone)).date()
