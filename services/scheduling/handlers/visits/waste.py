"""Left-over drug that nobody witnessed yet, the patient here or gone."""

from __future__ import annotations

from uuid import UUID

from services.scheduling.handlers.visits.waiting import WaitingVisit, list_waiting
from services.scheduling.rules.visits.doses import WITNESS_WASTE
from services.scheduling.store import doses as kept
from shared.auth import Actor
from shared.http.pages import Page, Paging
from shared.http.problems import Refused
from shared.messaging import Transaction


async def list_unwitnessed(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[WaitingVisit] | Refused:
    """Visits of a place, or of all, whose dose left something over that waits for its witness."""
    visits = kept.unwitnessed_at(location_id)
    return await list_waiting(visits, lambda _: WITNESS_WASTE, asked, reader, tx)
