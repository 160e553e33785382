"""When a place gives visits: its hours, its nurses, the days on which it is closed.

As with visit types, hours and rosters are never changed; later ones replace them.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.figures import (
    ClosureAnswer,
    ClosureWish,
    OpeningHoursAnswer,
    OpeningHoursWish,
    RosterAnswer,
    RosterWish,
    TouchedVisit,
)
from services.scheduling.handlers.clinic.displaced import displaced_at, named
from services.scheduling.handlers.replans.closures import touched_by
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs
from services.scheduling.rules.clinic import figures as rules
from services.scheduling.tables import Appointment, Location
from services.scheduling.tables.figures import ClosureRow
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def record_opening_hours(
    location_id: UUID, wish: OpeningHoursWish, tx: Transaction
) -> OpeningHoursAnswer | Refused:
    location = await _changing(location_id, tx)
    if location is None:
        return Refused.not_found("location", "location_id")
    today = _today_at(location, tx)
    rows = await store.hours_rows(tx, location_id, wish.visit_type)
    broken = rules.broken_by_past(wish.effective_from, today, "effective_from")
    if not await store.visit_type_rows(tx, wish.visit_type):
        broken.append(unknown("visit type", "visit_type"))
    broken += rules.broken_by_overlap([(w.weekday, w.from_, w.until) for w in wish.windows])
    if broken:
        return Refused.by_rules(broken, "The hours are not recorded")
    hours_id = new_id()
    revision = rules.next_revision(wish.effective_from, rows)
    row = wish.model_dump(by_alias=True) | {"revision": revision}
    await store.add_opening_hours(tx, hours_id=hours_id, location_id=location_id, **row)
    outside = [
        each
        for each in await displaced_at(tx, location)
        if each[0].visit_type == wish.visit_type
        and _day_of(each[0], location) >= wish.effective_from
    ]
    return OpeningHoursAnswer(
        hours_id=hours_id, location_id=location_id, **row, touches=named(outside, "opening_hours")
    )


async def record_roster(
    location_id: UUID, wish: RosterWish, tx: Transaction
) -> RosterAnswer | Refused:
    """Say who is on duty from a day on. What stands beyond it is told, and stays until moved."""
    location = await _changing(location_id, tx)
    if location is None:
        return Refused.not_found("location", "location_id")
    today = _today_at(location, tx)
    rows = await store.roster_rows(tx, location_id)
    broken = rules.broken_by_past(wish.effective_from, today, "effective_from")
    broken += rules.broken_by_no_shift(len(wish.shifts))
    if broken:
        return Refused.by_rules(broken, "The roster is not recorded")
    roster_id, revision = new_id(), rules.next_revision(wish.effective_from, rows)
    row = wish.model_dump(by_alias=True) | {"revision": revision}
    await store.add_roster(tx, roster_id=roster_id, location_id=location_id, **row)
    look_at_free_chairs(location_id, tx)
    touches = await _unwatched_by(tx, location, wish.effective_from)
    return RosterAnswer(roster_id=roster_id, location_id=location_id, **row, touches=touches)


async def _unwatched_by(
    tx: Transaction, location: Location, effective_from: date
) -> tuple[TouchedVisit, ...]:
    """What is to come on the days of a roster, and has no nurse by it."""
    later = await store.next_roster_from(tx, location.location_id, effective_from)
    of_its_days = [
        each
        for each in await displaced_at(tx, location)
        if effective_from <= _day_of(each[0], location) < (later or date.max)
    ]
    return named(of_its_days, "nurses_busy")


async def record_closure(
    location_id: UUID, wish: ClosureWish, tx: Transaction
) -> ClosureAnswer | Refused:
    """Close a place for whole days. What stands there is told, and stays until it is moved."""
    location = await _changing(location_id, tx)
    if location is None:
        return Refused.not_found("location", "location_id")
    today = _today_at(location, tx)
    broken: list[Broken] = rules.broken_by_past(wish.last_on, today, "last_on")
    if broken:
        return Refused.by_rules(broken, "The closure is not recorded")
    closure_id, row = new_id(), wish.model_dump()
    tx.insert(ClosureRow, closure_id=closure_id, location_id=location_id, **row)
    look_at_free_chairs(location_id, tx)
    closure = await store.find_closure(tx, closure_id)
    assert closure is not None, "it was just added"
    touches = await touched_by(tx, location, closure)
    return ClosureAnswer(**closure.model_dump(), touches=touches)


async def withdraw_closure(closure_id: UUID, tx: Transaction) -> ClosureAnswer | Refused:
    """Open a place again that was to be closed."""
    closure = await store.find_closure(tx, closure_id)
    if closure is None:
        return Refused.not_found("closure", "closure_id")
    await store.withdraw_closure(tx, closure_id)
    return ClosureAnswer(**(closure.model_dump() | {"withdrawn_at": tx.now}))


async def _changing(location_id: UUID, tx: Transaction) -> Location | None:
    """A place whose calendar nobody books by meanwhile."""
    return await store.lock_location(tx, location_id)


def _today_at(location: Location, tx: Transaction) -> date:
    return tx.now.astimezone(ZoneInfo(location.zone)).date()


def _day_of(visit: Appointment, location: Location) -> date:
    return visit.starts_at.astimezone(ZoneInfo(location.zone)).date()
