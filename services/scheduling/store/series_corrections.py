"""Corrections of series. Diagnoses and reasons are sealed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from services.scheduling.store.courses import correct_series, diagnoses_of
from services.scheduling.store.rows import every, seal, unseal
from services.scheduling.tables import Series
from services.scheduling.tables.series_corrections import SeriesCorrection
from shared.ids import new_id
from shared.messaging import Transaction


async def add_correction(
    tx: Transaction,
    series: Series,
    diagnoses: Sequence[str],
    prescriber_id: UUID,
    clinician_id: UUID,
    by: str,
    reason: str,
) -> SeriesCorrection:
    """Keep what stood there, and have the series say what is right."""
    correction_id = new_id()
    codes = {"diagnoses_before": diagnoses_of(tx, series), "diagnoses": list(diagnoses)}
    row = SeriesCorrection(
        correction_id=correction_id,
        series_id=series.series_id,
        prescriber_id_before=series.prescriber_id,
        prescriber_id=prescriber_id,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        corrected=seal(
            tx, {**codes, "reason": reason}, "series_corrections", "corrected", correction_id
        ),
    )
    tx.insert(SeriesCorrection, **row.model_dump())
    await correct_series(tx, series.series_id, diagnoses, prescriber_id)
    return row


async def corrections_of(tx: Transaction, series_id: UUID) -> list[SeriesCorrection]:
    """All of a series, the earliest first."""
    rows = select(SeriesCorrection).where(col(SeriesCorrection.series_id) == series_id)
    order = col(SeriesCorrection.signed_at), col(SeriesCorrection.correction_id)
    return await every(tx, rows.order_by(*order), SeriesCorrection)


def corrected_of(tx: Transaction, row: SeriesCorrection) -> dict[str, Any]:
    """`diagnoses_before`, `diagnoses` and the `reason`."""
    return unseal(tx, row.corrected, "series_corrections", "corrected", row.correction_id)
