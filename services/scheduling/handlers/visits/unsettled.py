"""Visits that nobody settled: listed at any time, raised once on the morning after."""

from __future__ import annotations

from uuid import UUID

from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.handlers.visits.waiting import WaitingVisit, list_waiting
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.visits import unsettled as rules
from services.scheduling.store import unsettled as kept
from services.scheduling.store.house import figure_of
from services.scheduling.work import LookForUnsettled
from shared.auth import Actor
from shared.events.scheduling import VisitUnsettled
from shared.http.pages import Page, Paging
from shared.http.problems import Refused
from shared.messaging import Transaction


async def list_unsettled(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[WaitingVisit] | Refused:
    """Visits of a place, or of all, whose day is over and of which nobody said what became."""
    visits = kept.unsettled_at(tx, location_id)
    return await list_waiting(visits, rules.what_to_do, asked, reader, tx)


async def raise_unsettled(_: LookForUnsettled, tx: Transaction) -> None:
    """Say each once, for the time at which it was booked, and look at the gaps that it leaves."""
    from_min = await figure_of(tx, HouseFigure.UNSETTLED_FROM_MIN)
    for visit in await kept.to_raise(tx, from_min):
        await kept.note_raised(tx, visit)
        tx.publish(VisitUnsettled.model_validate(visit.model_dump()))
        if visit.series_id is not None:
            look_at_gaps(visit.series_id, tx)
