"""Orders that repeat another one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from services.pharmacy.tables import Twin
from shared.messaging.transaction import Transaction


async def note_twin(tx: Transaction, order_id: str, prescription_id: UUID) -> bool:
    """Whether this is the first that is heard of the twin."""
    noted = await tx.execute(
        insert(Twin)
        .values(order_id=order_id, prescription_id=prescription_id, found_at=tx.now)
        .on_conflict_do_nothing()
    )
    return noted.rowcount == 1
