"""Corrections of when a drip ended, and of its driving ban. The reasons are sealed here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from services.scheduling.store.rows import every, seal, unseal
from services.scheduling.tables.drip_ends import BanExtension, EndCorrection
from shared.ids import new_id
from shared.messaging import Transaction


def add_end_correction(
    tx: Transaction,
    appointment_id: UUID,
    before: datetime,
    ended_at: datetime | None,
    clinician_id: UUID,
    by: str,
    reason: str,
) -> None:
    correction_id = new_id()
    tx.insert(
        EndCorrection,
        correction_id=correction_id,
        appointment_id=appointment_id,
        ended_at_before=before,
        ended_at=ended_at,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        why=seal(tx, {"reason": reason}, "end_corrections", "why", correction_id),
    )


async def end_corrections_of(tx: Transaction, appointment_id: UUID) -> list[EndCorrection]:
    """All of a visit's, the earliest first."""
    rows = select(EndCorrection).where(col(EndCorrection.appointment_id) == appointment_id)
    order = col(EndCorrection.signed_at), col(EndCorrection.correction_id)
    return await every(tx, rows.order_by(*order), EndCorrection)


def reason_of(tx: Transaction, correction: EndCorrection) -> str:
    opened = unseal(tx, correction.why, "end_corrections", "why", correction.correction_id)
    return str(opened["reason"])


def add_ban_extension(
    tx: Transaction,
    appointment_id: UUID,
    ended_at: datetime,
    before: datetime,
    until: datetime,
    clinician_id: UUID,
    by: str,
    reason: str,
) -> UUID:
    extension_id = new_id()
    tx.insert(
        BanExtension,
        extension_id=extension_id,
        appointment_id=appointment_id,
        ended_at=ended_at,
        no_drive_until_before=before,
        no_drive_until=until,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        why=seal(tx, {"reason": reason}, "ban_extensions", "why", extension_id),
    )
    return extension_id
