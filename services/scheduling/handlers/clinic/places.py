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
)
from services.scheduling.handlers.clinic.roster_visits import unwatched_by
from services.scheduling.handlers.replans.closures import touched_by
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs
from services.scheduling.rules.clinic import figures as rules
from services.scheduling.rules.clinic.figures import Dated
from services.scheduling.tables.figures import ClosureRow
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def record_opening_hours(
    location_id: UUID, wish: OpeningHoursWish, tx: Transaction
) -> OpeningHoursAnswer | Refused:
    today = await _today_at(location_id, tx)
    if today is None:
        return Refused.not_found("location", "location_id")
    same_day = await store.has_hours_from(tx, location_id, wish.visit_type, wish.effective_from)
    broken = rules.broken_by_first_day(wish.effective_from, _taken(wish, same=same_day), today)
    if not await store.visit_type_rows(tx, wish.visit_type):
        broken.append(unknown("visit type", "visit_type"))
    broken += rules.broken_by_overlap([(w.weekday, w.from_, w.until) for w in wish.windows])
    if broken:
        return Refused.by_rules(broken, "The hours are not recorded")
    hours_id = new_id()
    row = wish.model_dump(by_alias=True)
    await store.add_opening_hours(tx, hours_id=hours_id, location_id=location_id, **row)
    return OpeningHoursAnswer(hours_id=hours_id, location_id=location_id, **row)


async def record_roster(
    location_id: UUID, wish: RosterWish, tx: Transaction
) -> RosterAnswer | Refused:
    """Say who is on duty from a day on. What is booked beyond it is told, and stays until moved."""
    today = await _today_at(location_id, tx)
    if today is None:
        return Refused.not_found("location", "location_id")
    same_day = await store.has_roster_from(tx, location_id, wish.effective_from)
    broken = rules.broken_by_first_day(wish.effective_from, _taken(wish, same=same_day), today)
    broken += rules.broken_by_no_shift(len(wish.shifts))
    if broken:
        return Refused.by_rules(broken, "The roster is not recorded")
    roster_id, row = new_id(), wish.model_dump(by_alias=True)
    await store.add_roster(tx, roster_id=roster_id, location_id=location_id, **row)
    look_at_free_chairs(location_id, tx)
    location = await store.find_location(tx, location_id)
    assert location is not None, "it has its day"
    touches = await unwatched_by(tx, location, wish.effective_from)
    return RosterAnswer(roster_id=roster_id, location_id=location_id, **row, touches=touches)


def _taken(wish: OpeningHoursWish | RosterWish, *, same: bool) -> list[Dated]:
    return [Dated(wish.effective_from)] if same else []


async def record_closure(
    location_id: UUID, wish: ClosureWish, tx: Transaction
) -> ClosureAnswer | Refused:
    """Close a place for whole days. What is booked is told, and stays until somebody moves it."""
    today = await _today_at(location_id, tx)
    if today is None:
        return Refused.not_found("location", "location_id")
    broken: list[Broken] = rules.broken_by_past(wish.last_on, today, "last_on")
    if broken:
        return Refused.by_rules(broken, "The closure is not recorded")
    closure_id, row = new_id(), wish.model_dump()
    tx.insert(ClosureRow, closure_id=closure_id, location_id=location_id, **row)
    look_at_free_chairs(location_id, tx)
    closure = await store.find_closure(tx, closure_id)
    location = await store.find_location(tx, location_id)
    assert closure is not None, "it was just added"
    assert location is not None, "it has its day"
    touches = await touched_by(tx, location, closure)
    return ClosureAnswer(**closure.model_dump(), touches=touches)


async def withdraw_closure(closure_id: UUID, tx: Transaction) -> ClosureAnswer | Refused:
    """Open a place again that was to be closed."""
    closure = await store.find_closure(tx, closure_id)
    if closure is None:
        return Refused.not_found("closure", "closure_id")
    await store.withdraw_closure(tx, closure_id)
    return ClosureAnswer(**(closure.model_dump() | {"withdrawn_at": tx.now}))


async def _today_at(location_id: UUID, tx: Transaction) -> date | None:
    location = await store.find_location(tx, location_id)
    return None if location is None else tx.now.astimezone(ZoneInfo(location.zone)).date()
