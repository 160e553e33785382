"""Visits as other programs ask for them: one, or those of a patient and a time. Held for nobody."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from services.scheduling.store.rows import one
from services.scheduling.tables import Appointment
from shared.messaging import Transaction


async def find_visit(tx: Transaction, appointment_id: UUID) -> Appointment | None:
    rows = select(Appointment).where(col(Appointment.appointment_id) == appointment_id)
    return await one(tx, rows, Appointment)
