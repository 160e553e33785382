"""What stops collections."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.tables import CollectionsHold
from shared.messaging import Transaction

_IS_HELD = text(
    """
    SELECT EXISTS (
        SELECT FROM collections_holds
         WHERE patient_id = :patient_id AND ended_at IS NULL
           AND (charge_id IS NULL OR charge_id = :charge_id))
    """
)

_IS_ALL_HELD = text(
    """
    SELECT EXISTS (
        SELECT FROM collections_holds
         WHERE patient_id = :patient_id AND ended_at IS NULL AND charge_id IS NULL)
    """
)

_CHARGES_UNDER = text(
    """
    SELECT c.charge_id FROM charges AS c
     WHERE c.patient_id = :patient_id AND c.charge_id = coalesce(:charge_id, c.charge_id)
       AND (EXISTS (SELECT FROM dunnings AS d
                     WHERE d.charge_id = c.charge_id AND d.state = 'going_on')
            OR EXISTS (SELECT FROM pay_links AS l
                        WHERE l.charge_id = c.charge_id AND l.state IN ('pending', 'open')))
     ORDER BY c.charge_id
    """
).bindparams(bindparam("charge_id", type_=PG_UUID))

_IS_OF = text(
    "SELECT EXISTS (SELECT FROM charges WHERE charge_id = :charge_id AND patient_id = :patient_id)"
)

_END = text(
    """
    UPDATE collections_holds SET ended_at = :at, ended_by = :by
     WHERE hold_id = :hold_id AND ended_at IS NULL
    RETURNING patient_id, charge_id
    """
)

_EXISTS = text("SELECT patient_id, charge_id FROM collections_holds WHERE hold_id = :hold_id")


async def is_held(tx: Transaction, patient_id: UUID, charge_id: UUID) -> bool:
    """Whether nothing may be asked for a charge now."""
    asked = {"patient_id": patient_id, "charge_id": charge_id}
    return bool((await tx.execute(_IS_HELD, asked)).scalar_one())


async def is_all_held(tx: Transaction, patient_id: UUID) -> bool:
    """Whether nothing at all may be asked of a patient now."""
    return bool((await tx.execute(_IS_ALL_HELD, {"patient_id": patient_id})).scalar_one())


async def is_of(tx: Transaction, charge_id: UUID, patient_id: UUID) -> bool:
    found = await tx.execute(_IS_OF, {"charge_id": charge_id, "patient_id": patient_id})
    return bool(found.scalar_one())


async def charges_under(tx: Transaction, patient_id: UUID, charge_id: UUID | None) -> list[UUID]:
    """The charges whose dunning or page a hold stops: one, or all of a patient's."""
    under = {"patient_id": patient_id, "charge_id": charge_id}
    return list((await tx.execute(_CHARGES_UNDER, under)).scalars())


async def end(tx: Transaction, hold_id: UUID, by: str) -> Any | None:
    """Whose hold it was; `None` where none is open under the id."""
    return (await tx.execute(_END, {"hold_id": hold_id, "by": by, "at": tx.now})).one_or_none()


async def read(tx: Transaction, hold_id: UUID) -> Any | None:
    return (await tx.execute(_EXISTS, {"hold_id": hold_id})).one_or_none()


_HOLDS: Table = CollectionsHold.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_OPENING = (_HOLDS.c.opened_at, _HOLDS.c.hold_id)


def open_holds() -> Select[Any]:
    return select(*_HOLDS.c).where(_HOLDS.c.ended_at.is_(None))
