"""How to reach a patient: sealed copies of what scheduling said."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Reach:
    """How to reach a patient, opened."""

    first_name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)


async def ask_for_contact(tx: Transaction, patient_id: UUID) -> int:
    """Count one more question about a patient; the number of this one."""
    found = await tx.execute(
        text(
            "INSERT INTO contacts (patient_id, asked_no) VALUES (:patient_id, 1)"
            " ON CONFLICT (patient_id) DO UPDATE SET asked_no = contacts.asked_no + 1"
            " RETURNING asked_no"
        ),
        {"patient_id": patient_id},
    )
    return int(found.scalar_one())


async def keep_contact(tx: Transaction, patient_id: UUID, asked_no: int, reach: Reach) -> bool:
    """Keep an answer, sealed, unless a newer one is here already."""
    sealed = tx.vault.seal(
        {"first_name": reach.first_name, "phone": reach.phone, "email": reach.email},
        table="contacts",
        column="sealed",
        row=patient_id,
    )
    kept = await tx.execute(
        text(
            "UPDATE contacts SET sealed = :sealed, redeemed_no = :asked_no"
            " WHERE patient_id = :patient_id AND redeemed_no < :asked_no"
        ),
        {"sealed": sealed, "asked_no": asked_no, "patient_id": patient_id},
    )
    return kept.rowcount == 1


async def reach_of(tx: Transaction, patient_id: UUID) -> Reach | None:
    found = await tx.execute(
        text("SELECT sealed FROM contacts WHERE patient_id = :patient_id AND sealed IS NOT NULL"),
        {"patient_id": patient_id},
    )
    sealed = found.scalar_one_or_none()
    if sealed is None:
        return None
    return Reach(**tx.vault.open(sealed, table="contacts", column="sealed", row=patient_id))
