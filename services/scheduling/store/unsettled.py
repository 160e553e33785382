"""Visits whose local day is over and of which nobody said what became of them."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Select, Table, Time, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduling.rules.visits.life import COMING, HERE, VisitState
from services.scheduling.store.rows import every
from services.scheduling.store.visits import BY_START
from services.scheduling.tables import Appointment, Location
from services.scheduling.tables.unsettled import UnsettledVisit
from shared.messaging import Transaction

LEFT_IN = (*COMING, *HERE, VisitState.RUNNING)


def unsettled_at(tx: Transaction, location_id: UUID | None) -> Select[Any]:
    """Those of a place or of all, to be shown a page at a time."""
    zone = col(Location.zone)
    rows = (
        select(Appointment)
        .join(Location, col(Location.location_id) == col(Appointment.location_id))
        .where(
            col(Appointment.state).in_(LEFT_IN),
            col(Appointment.ends_at) <= tx.now,
            cast(func.timezone(zone, col(Appointment.starts_at)), Date)
            < cast(func.timezone(zone, tx.now), Date),
        )
    )
    return rows if location_id is None else rows.where(col(Appointment.location_id) == location_id)


async def to_raise(tx: Transaction, from_min: int) -> list[Appointment]:
    """Those that were not raised yet for the time at which they are booked, where it is morning.

    The morning begins so many minutes after midnight, by the clock on each place's wall.
    """
    raised = select(col(UnsettledVisit.appointment_id)).where(
        col(UnsettledVisit.appointment_id) == col(Appointment.appointment_id),
        col(UnsettledVisit.starts_at) == col(Appointment.starts_at),
    )
    rows = unsettled_at(tx, None).where(
        cast(func.timezone(col(Location.zone), tx.now), Time)
        >= literal(time(from_min // 60, from_min % 60), Time),
        ~raised.exists(),
    )
    return await every(tx, rows.order_by(*BY_START), Appointment)


async def note_raised(tx: Transaction, visit: Appointment) -> None:
    raised: Table = UnsettledVisit.__table__  # type: ignore[attr-defined]  # every table=True model has one
    row = insert(raised).values(
        appointment_id=visit.appointment_id, starts_at=visit.starts_at, raised_at=tx.now
    )
    again = {"starts_at": visit.starts_at, "raised_at": tx.now}
    await tx.execute(row.on_conflict_do_update(index_elements=["appointment_id"], set_=again))
