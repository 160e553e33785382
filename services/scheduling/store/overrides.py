"""Overrides. Why one was signed is sealed here and opened here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, func, select, update
from sqlmodel import col

from services.scheduling.store.rows import one, seal, unseal
from services.scheduling.tables import Patient, Series
from services.scheduling.tables.overrides import Override
from shared.ids import new_id
from shared.messaging import Transaction

OVERRIDES: Table = Override.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_SIGNED = (OVERRIDES.c.signed_at, OVERRIDES.c.override_id)


async def add_override(tx: Transaction, series: Series, reason: str, **values: Any) -> Override:
    override_id = new_id()
    override = Override(
        override_id=override_id,
        series_id=series.series_id,
        patient_id=series.patient_id,
        reason=seal(tx, {"reason": reason}, "overrides", "reason", override_id),
        signed_at=tx.now,
        **values,
    )
    tx.insert(Override, **override.model_dump())
    await _let_hold(tx, series.series_id)
    return override


async def lock_override(tx: Transaction, override_id: UUID) -> Override | None:
    """An override as it is once its patient's row is held."""
    held = (
        select(col(Patient.patient_id))
        .join(Override, col(Override.patient_id) == col(Patient.patient_id))
        .where(col(Override.override_id) == override_id)
    )
    await tx.execute(held.with_for_update(key_share=True, of=Patient))
    rows = select(Override).where(col(Override.override_id) == override_id)
    return await one(tx, rows, Override)


async def withdraw_override(tx: Transaction, override: Override, by: str) -> Override:
    values = {"withdrawn_at": tx.now, "withdrawn_by": by}
    await tx.execute(
        update(Override).where(col(Override.override_id) == override.override_id).values(**values)
    )
    await _let_hold(tx, override.series_id)
    return Override(**(override.model_dump() | values))


async def _let_hold(tx: Transaction, series_id: UUID) -> None:
    """Have a series be given by all that stands signed for it."""
    standing = (col(Override.series_id) == series_id, col(Override.withdrawn_at).is_(None))
    more = select(func.coalesce(func.sum(col(Override.infusions)), 0)).where(*standing)
    gap = select(func.min(col(Override.gap_min_days))).where(*standing)
    await tx.execute(
        update(Series)
        .where(col(Series.series_id) == series_id)
        .values(extra_infusions=more.scalar_subquery(), gap_min_days=gap.scalar_subquery())
    )


def reason_of(tx: Transaction, override: Override) -> str:
    opened = unseal(tx, override.reason, "overrides", "reason", override.override_id)
    return str(opened["reason"])


def overrides_signed(series_id: UUID | None, patient_id: UUID | None) -> Select[Any]:
    """Overrides, to be shown a page at a time, those withdrawn included."""
    rows = select(Override)
    if series_id is not None:
        rows = rows.where(col(Override.series_id) == series_id)
    if patient_id is not None:
        rows = rows.where(col(Override.patient_id) == patient_id)
    return rows
