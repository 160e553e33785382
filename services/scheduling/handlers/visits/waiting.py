"""Visits that wait for somebody: how a list of them looks, each with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row, Select

from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import BY_START
from services.scheduling.tables import Appointment
from shared.auth import Actor
from shared.events import Moment
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class WaitingVisit(BaseModel):
    """A visit that waits for somebody, where it was left, and what to do."""

    appointment_id: UUID
    patient_id: UUID
    series_id: UUID | None
    location_id: UUID
    visit_type: str
    starts_at: Moment
    state: VisitState
    do: str


async def list_waiting(
    visits: Select[Any],
    do: Callable[[VisitState], str],
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[WaitingVisit] | Refused:
    """A page of them, the earliest first."""

    def item(row: Row[tuple[object, ...]]) -> WaitingVisit:
        visit = Appointment.model_validate(row, from_attributes=True)
        return WaitingVisit(**visit.model_dump(), do=do(VisitState(visit.state)))

    return await page(
        tx, visits, by=BY_START, asked=asked, item=item, shown_to=reader, as_entity="appointment"
    )
