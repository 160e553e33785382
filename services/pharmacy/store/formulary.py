"""The formulary: what is prescribed after a series, and where it is made."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlmodel import col

from services.pharmacy.tables import FormularyItem, PartnerPharmacy
from services.pharmacy.values import Item, Partner
from shared.errors import Poison
from shared.messaging.transaction import Transaction


async def formulary_on(tx: Transaction, day: date) -> tuple[Item, Partner]:
    """What is prescribed on a day, and where it is made. Raises `Poison` where there is nothing."""
    found = await tx.execute(
        select(FormularyItem, col(PartnerPharmacy.name), col(PartnerPharmacy.limits))
        .join(
            PartnerPharmacy,
            col(PartnerPharmacy.pharmacy_id) == col(FormularyItem.pharmacy_id),
        )
        .where(col(FormularyItem.effective_from) <= day)
        .order_by(col(FormularyItem.effective_from).desc())
        .limit(1)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise Poison("formulary_empty")
    return Item.model_validate(dict(row)), Partner.model_validate(dict(row))
