"""Visits that nobody settled: listed at any time, raised once on the morning after."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.visits import unsettled as rules
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import BY_START
from services.scheduling.store import unsettled as kept
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Appointment
from services.scheduling.work import LookForUnsettled
from shared.auth import Actor
from shared.events import Moment
from shared.events.scheduling import VisitUnsettled
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class UnsettledAnswer(BaseModel):
    """A visit whose day is over, where it was left, and what settles it."""

    appointment_id: UUID
    patient_id: UUID
    series_id: UUID | None
    location_id: UUID
    visit_type: str
    starts_at: Moment
    state: VisitState
    do: str


async def list_unsettled(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[UnsettledAnswer] | Refused:
    """Those of a place, the earliest first."""

    def item(row: Row[tuple[object, ...]]) -> UnsettledAnswer:
        visit = Appointment.model_validate(row, from_attributes=True)
        do = rules.what_to_do(VisitState(visit.state))
        return UnsettledAnswer(**visit.model_dump(), do=do)

    rows = kept.unsettled_at(tx, location_id)
    return await page(
        tx, rows, by=BY_START, asked=asked, item=item, shown_to=reader, as_entity="appointment"
    )


async def raise_unsettled(_: LookForUnsettled, tx: Transaction) -> None:
    """Say each once, for the time at which it was booked, and look at the gaps that it leaves."""
    from_min = await figure_of(tx, HouseFigure.UNSETTLED_FROM_MIN)
    for visit in await kept.to_raise(tx, from_min):
        await kept.note_raised(tx, visit)
        tx.publish(VisitUnsettled.model_validate(visit.model_dump()))
        if visit.series_id is not None:
            look_at_gaps(visit.series_id, tx)
