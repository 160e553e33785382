"""Walk-outs: what was signed of each, and which of them somebody still has to see to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from services.scheduling.store.rows import one, seal, unseal
from services.scheduling.tables import Appointment
from services.scheduling.tables.leaving import WalkOut
from shared.messaging import Transaction


def add_walk_out(
    tx: Transaction, visit: Appointment, clinician_id: UUID, by: str, account: dict[str, Any]
) -> WalkOut:
    assert visit.left_at is not None, "who walked out has left"
    row = WalkOut(
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        clinician_id=clinician_id,
        left_at=visit.left_at,
        signed_at=tx.now,
        signed_by=by,
        account=seal(tx, account, "walk_outs", "account", visit.appointment_id),
    )
    tx.insert(WalkOut, **row.model_dump())
    return row


async def find_walk_out(tx: Transaction, appointment_id: UUID) -> WalkOut | None:
    rows = select(WalkOut).where(col(WalkOut.appointment_id) == appointment_id)
    return await one(tx, rows, WalkOut)


def account_of(tx: Transaction, appointment_id: UUID, sealed: bytes) -> dict[str, Any]:
    """How the patient left: `seen_by`, `reason`, `advised`, `form`, `condition`, `left_by`."""
    return unseal(tx, sealed, "walk_outs", "account", appointment_id)


async def note_called(tx: Transaction, walk_out: WalkOut, by: str) -> WalkOut:
    return await _change(tx, walk_out, called_at=tx.now, called_by=by)


async def settle(tx: Transaction, walk_out: WalkOut) -> WalkOut:
    return await _change(tx, walk_out, settled_at=tx.now)


async def _change(tx: Transaction, walk_out: WalkOut, **values: object) -> WalkOut:
    await tx.execute(
        update(WalkOut)
        .where(col(WalkOut.appointment_id) == walk_out.appointment_id)
        .values(**values)
    )
    return WalkOut(**(walk_out.model_dump() | values))
