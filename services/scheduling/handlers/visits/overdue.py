"""Patients who were not discharged: listed by how long they wait, and told once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.visits import overdue as rules
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import leaving as kept
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Appointment
from services.scheduling.work import LookForOverdueDischarges
from shared.auth import Actor
from shared.events import Moment
from shared.events.scheduling import DischargeOverdue
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class NotDischarged(BaseModel):
    """A patient whose recovery is over and who was not discharged; `waiting_min` from the drip on.

    `overdue_since` is when it was told, for who waits too long, or past the place's hours.
    """

    appointment_id: UUID
    patient_id: UUID
    series_id: UUID | None
    location_id: UUID
    chair_id: UUID | None
    visit_type: str
    state: VisitState
    stopped_at: Moment
    waiting_min: int
    overdue_since: Moment | None
    do: str


async def list_not_discharged(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[NotDischarged] | Refused:
    """Those of a place, or of all, the longest first."""

    def item(row: Row[tuple[object, ...]]) -> NotDischarged:
        visit = Appointment.model_validate(row, from_attributes=True)
        assert visit.stopped_at is not None, "a drip that is over has stopped"
        return NotDischarged(
            **visit.model_dump(),
            waiting_min=(tx.now - visit.stopped_at) // timedelta(minutes=1),
            overdue_since=row.overdue_since,
            do=rules.WHAT_TO_DO,
        )

    rows = kept.not_gone(tx, location_id)
    return await page(
        tx,
        rows,
        by=kept.BY_STOPPED,
        asked=asked,
        item=item,
        shown_to=reader,
        as_entity="appointment",
    )


async def raise_overdue(_: LookForOverdueDischarges, tx: Transaction) -> None:
    """Say of each once that its patient should have left."""
    overdue_min = await figure_of(tx, HouseFigure.DISCHARGE_OVERDUE_MIN)
    for visit in await kept.not_told(tx):
        assert visit.stopped_at is not None, "a drip that is over has stopped"
        policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
        zone = await store.zone_at(tx, visit.location_id)
        due = rules.overdue_from(
            visit.stopped_at,
            policy.figures_on(visit.starts_at.astimezone(zone).date()).recovery_min,
            overdue_min,
            rules.closes_at(policy, visit.stopped_at, zone),
        )
        if due <= tx.now and await kept.note_told(tx, visit.appointment_id):
            tx.publish(DischargeOverdue.model_validate(visit.model_dump()))
