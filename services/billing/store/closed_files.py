"""Files that scheduling closed, and what a patient agreed to or paid ahead under them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, exists, func, or_, select, text
from sqlmodel import col

from services.billing.tables import (
    Card,
    ClosedFile,
    CollectionsHold,
    Mandate,
    PackagePurchase,
    PackageUnit,
    PatientCoverage,
)
from shared.messaging import Transaction

_CLOSED: Table = ClosedFile.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_MERGED = (_CLOSED.c.merged_at, _CLOSED.c.patient_id)

_CLOSE = text(
    """
    INSERT INTO closed_files (patient_id, into_patient_id, merged_at)
    VALUES (:patient_id, coalesce((SELECT into_patient_id FROM closed_files
                                    WHERE patient_id = :into), :into), :at)
    ON CONFLICT (patient_id) DO NOTHING
    """
)
_FOLLOW = text(
    "UPDATE closed_files SET into_patient_id = (SELECT into_patient_id FROM closed_files"
    " WHERE patient_id = :patient_id) WHERE into_patient_id = :patient_id"
)


async def close(tx: Transaction, patient_id: UUID, into: UUID, at: datetime) -> None:
    """Keep that a file is closed. Those that were closed for it before point on with it."""
    await tx.execute(_CLOSE, {"patient_id": patient_id, "into": into, "at": at})
    await tx.execute(_FOLLOW, {"patient_id": patient_id})


def with_something_left() -> Select[Any]:
    """Closed files under which something stands that is of use under another one only.

    An answer about coverage is one while the file that stays has none.
    """
    closed = _CLOSED.c.patient_id
    paid = col(PackagePurchase.patient_id) == closed, col(PackagePurchase.state) == "paid"
    bought = select(func.coalesce(func.sum(col(PackagePurchase.units)), 0)).where(*paid)
    gone = (
        select(func.count())
        .select_from(PackageUnit)
        .join(PackagePurchase, col(PackagePurchase.purchase_id) == col(PackageUnit.purchase_id))
        .where(*paid, col(PackageUnit.returned_at).is_(None))
    )
    units_left = bought.scalar_subquery() - gone.scalar_subquery()
    of_both = col(PatientCoverage.patient_id)
    left = {
        "package_pending": exists().where(
            col(PackagePurchase.patient_id) == closed, col(PackagePurchase.state) == "pending"
        ),
        "card": exists().where(
            col(Card.patient_id) == closed,
            col(Card.gone_at).is_(None),
            col(Mandate.setup_id) == col(Card.setup_id),
            col(Mandate.withdrawn_at).is_(None),
        ),
        "coverage": exists().where(of_both == closed)
        & ~exists().where(of_both == _CLOSED.c.into_patient_id),
        "collections_hold": exists().where(
            col(CollectionsHold.patient_id) == closed, col(CollectionsHold.ended_at).is_(None)
        ),
    }
    return select(
        *_CLOSED.c,
        units_left.label("units_left"),
        *(each.label(name) for name, each in left.items()),
    ).where(or_(units_left > 0, *left.values()))
