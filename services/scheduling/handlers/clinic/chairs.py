"""A chair that is out of service: nobody new is put there, and whom it touches is named."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col

from services.scheduling import store
from services.scheduling.forms.answers import ChairAnswer
from services.scheduling.forms.figures import TouchedVisit
from services.scheduling.forms.wishes import Nothing, TakeChairOut
from services.scheduling.handlers.clinic.displaced import TO_COME
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs
from services.scheduling.store.rows import every
from services.scheduling.tables import Appointment, Chair
from shared.http.problems import Refused
from shared.messaging import Transaction


async def take_out(chair_id: UUID, wish: TakeChairOut, tx: Transaction) -> ChairAnswer | Refused:
    """Take a chair out of service. What is booked in it stays until somebody moves it.

    No drip starts in it; one that runs goes on.
    """
    chair = (await store.lock_chairs(tx, {chair_id})).get(chair_id)
    if chair is None:
        return Refused.not_found("chair", "chair_id")
    out = await store.set_service(tx, chair, wish.reason)
    look_at_free_chairs(chair.location_id, tx)
    return ChairAnswer(**out.model_dump(), touches=await _touched_by(tx, chair))


async def put_back(chair_id: UUID, _: Nothing, tx: Transaction) -> ChairAnswer | Refused:
    """Put a chair in service again."""
    chair = (await store.lock_chairs(tx, {chair_id})).get(chair_id)
    if chair is None:
        return Refused.not_found("chair", "chair_id")
    return ChairAnswer(**(await store.set_service(tx, chair, None)).model_dump())


async def _touched_by(tx: Transaction, chair: Chair) -> tuple[TouchedVisit, ...]:
    """What is to begin in a chair, or is held there, the earliest first."""
    rows = store.taken_from(tx.now, chair.location_id).where(
        col(Appointment.chair_id) == chair.chair_id, col(Appointment.state).in_(TO_COME)
    )
    found = await every(tx, rows.order_by(*store.BY_START), Appointment)
    return tuple(TouchedVisit(**each.model_dump()) for each in found)
