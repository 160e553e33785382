"""Which code was documented for a session, the newest word on it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from services.billing.rules.superbills.sessions import Documented
from shared.messaging import Transaction

_NEWEST = text(
    """
    SELECT code, modifiers, place_of_service FROM session_codes
     WHERE charge_id = :charge_id
     ORDER BY recorded_at DESC, session_code_id DESC LIMIT 1
    """
)


async def newest(tx: Transaction, charge_id: UUID) -> Documented | None:
    row = (await tx.execute(_NEWEST, {"charge_id": charge_id})).one_or_none()
    return row and Documented(row.code, tuple(row.modifiers), row.place_of_service)
