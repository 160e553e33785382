"""Amendments of what ran. What stood there before is sealed here, whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from services.scheduling.store.doses import given_of
from services.scheduling.store.rows import every, seal, unseal
from services.scheduling.tables.dose_amendments import DoseAmendment
from services.scheduling.tables.visits import Dose
from shared.ids import new_id
from shared.messaging import Transaction


async def amend(
    tx: Transaction,
    dose: Dose,
    clinician_id: UUID,
    by: str,
    given: Mapping[str, Any],
    why: Mapping[str, Any],
    *,
    wasted: bool,
    same: bool,
) -> None:
    """Keep what stood there, and record what is right.

    Where the amounts are the `same`, whoever recorded and witnessed them stands.
    """
    amendment_id = new_id()
    tx.insert(
        DoseAmendment,
        amendment_id=amendment_id,
        appointment_id=dose.appointment_id,
        **{name: getattr(dose, name) for name in _WHO},
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        amended=seal(
            tx,
            {"before": given_of(tx, dose), **why},
            "dose_amendments",
            "amended",
            amendment_id,
        ),
    )
    anew = {"recorded_at": tx.now, "recorded_by": by, "witnessed_at": None, "witnessed_by": None}
    await tx.execute(
        update(Dose)
        .where(col(Dose.appointment_id) == dose.appointment_id)
        .values(
            given=seal(tx, dict(given), "doses", "given", dose.appointment_id),
            wasted=wasted,
            **({} if same else anew),
        )
    )


_WHO = ("recorded_at", "recorded_by", "witnessed_at", "witnessed_by")


async def amendments_of(tx: Transaction, appointment_id: UUID) -> list[DoseAmendment]:
    """All of a visit's dose, the earliest first."""
    rows = select(DoseAmendment).where(col(DoseAmendment.appointment_id) == appointment_id)
    order = col(DoseAmendment.signed_at), col(DoseAmendment.amendment_id)
    return await every(tx, rows.order_by(*order), DoseAmendment)


def amended_of(tx: Transaction, row: DoseAmendment) -> dict[str, Any]:
    """What stood there `before`, the `reason`, and what was `past_limits`."""
    return unseal(tx, row.amended, "dose_amendments", "amended", row.amendment_id)
