"""Left-over drug that nobody witnessed yet, the patient here or gone."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from services.scheduling.rules.visits.doses import WITNESS_WASTE
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import BY_START
from services.scheduling.store import doses as kept
from services.scheduling.tables import Appointment
from shared.auth import Actor
from shared.events import Moment
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class UnwitnessedWaste(BaseModel):
    """A visit whose dose left something over that waits for its witness, and what to do."""

    appointment_id: UUID
    patient_id: UUID
    series_id: UUID | None
    location_id: UUID
    visit_type: str
    starts_at: Moment
    state: VisitState
    do: str


async def list_unwitnessed(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[UnwitnessedWaste] | Refused:
    """Those of a place, or of all, the earliest first."""

    def item(row: Row[tuple[object, ...]]) -> UnwitnessedWaste:
        visit = Appointment.model_validate(row, from_attributes=True)
        return UnwitnessedWaste(**visit.model_dump(), do=WITNESS_WASTE)

    rows = kept.unwitnessed_at(location_id)
    return await page(
        tx, rows, by=BY_START, asked=asked, item=item, shown_to=reader, as_entity="appointment"
    )
