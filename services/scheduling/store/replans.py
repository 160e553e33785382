"""Re-plans as they were proposed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlmodel import col

from services.scheduling.store.rows import one
from services.scheduling.tables import Appointment
from services.scheduling.tables.replans import ReplanRow
from shared.ids import new_id
from shared.messaging import Transaction

FAR_OFF = timedelta(days=365_000)
"""Past any visit's time, so that what is put there meets nothing."""


async def add_replan(
    tx: Transaction, series_id: UUID, expires_at: datetime, **values: Any
) -> ReplanRow:
    """Written at once: the gathered rows of `tx.insert` are arrays, which take no lists."""
    row = ReplanRow(
        replan_id=new_id(),
        series_id=series_id,
        proposed_at=tx.now,
        expires_at=expires_at,
        **values,
    )
    await tx.execute(insert(ReplanRow).values(row.model_dump()))
    return row


async def find_replan(tx: Transaction, replan_id: UUID) -> ReplanRow | None:
    return await one(tx, select(ReplanRow).where(col(ReplanRow.replan_id) == replan_id), ReplanRow)


async def note_applied(tx: Transaction, replan_id: UUID) -> None:
    await tx.execute(
        update(ReplanRow).where(col(ReplanRow.replan_id) == replan_id).values(applied_at=tx.now)
    )


async def set_aside(tx: Transaction, appointment_ids: Collection[UUID]) -> None:
    """Put visits where nobody else is until they get their places, in this transaction.

    One may move to where another is only just leaving.
    """
    await tx.execute(
        update(Appointment)
        .where(col(Appointment.appointment_id).in_(appointment_ids))
        .values(
            starts_at=col(Appointment.starts_at) + FAR_OFF,
            ends_at=col(Appointment.ends_at) + FAR_OFF,
        )
    )
