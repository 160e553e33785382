"""The visits that a closure touches, and re-plans of their series."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from services.scheduling import store
from services.scheduling.forms.figures import TouchedVisit
from services.scheduling.forms.replans import ProposeReplan, ReplanAnswer
from services.scheduling.handlers.clinic.displaced import displaced_at, named
from services.scheduling.handlers.replans.proposing import propose_replan
from services.scheduling.tables import Location
from services.scheduling.tables.figures import ClosureRow
from shared.http.problems import Refused, Violation
from shared.messaging import Transaction

MOST_SERIES = 20
"""The house's limit on one request; what is left is touched still, and asked for again."""


class SeriesReplan(BaseModel):
    """A re-plan of one series that a closure touches, or the rules that leave none."""

    series_id: UUID
    replan: ReplanAnswer | None
    why_none: list[Violation]


class ClosureReplans(BaseModel):
    items: list[SeriesReplan]


async def touched_by(
    tx: Transaction, location: Location, closure: ClosureRow
) -> tuple[TouchedVisit, ...]:
    """What is booked or held on the closed days and is to come still, the earliest first."""
    zone = ZoneInfo(location.zone)
    on_its_days = [
        each
        for each in await displaced_at(tx, location)
        if closure.first_on <= each[0].starts_at.astimezone(zone).date() <= closure.last_on
    ]
    return named(on_its_days, "closed")


async def propose_for_closure(closure_id: UUID, tx: Transaction) -> ClosureReplans | Refused:
    """Propose a re-plan for each series that a closure touches. Nothing is changed, nothing held.

    Each is proposed for itself: of two for the same chair the second is refused when approved.
    """
    closure = await store.find_closure(tx, closure_id)
    if closure is None:
        return Refused.not_found("closure", "closure_id")
    location = await store.find_location(tx, closure.location_id)
    assert location is not None, "a closure has its place"
    touched = await touched_by(tx, location, closure)
    series = dict.fromkeys(each.series_id for each in touched if each.series_id is not None)
    proposed = []
    for series_id in [*series][:MOST_SERIES]:
        found = await propose_replan(series_id, ProposeReplan(), tx)
        proposed.append(
            SeriesReplan(
                series_id=series_id,
                replan=None if isinstance(found, Refused) else found,
                why_none=list(found.violations) if isinstance(found, Refused) else [],
            )
        )
    return ClosureReplans(items=proposed)
