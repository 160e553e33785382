"""The house's own figures, by name and first day."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.store.rows import every
from services.scheduling.tables.holds import HouseFigureRow
from shared.messaging import Transaction


async def figure_of(tx: Transaction, figure: HouseFigure) -> int:
    """The figure in force today. Days are UTC's: the house's figures have no place of their own."""
    rows = select(col(HouseFigureRow.value)).where(
        col(HouseFigureRow.figure) == figure, col(HouseFigureRow.effective_from) <= tx.now.date()
    )
    newest = col(HouseFigureRow.effective_from).desc(), col(HouseFigureRow.revision).desc()
    latest = rows.order_by(*newest).limit(1)
    return int((await tx.execute(latest)).scalar_one())


async def figure_rows(tx: Transaction, figure: HouseFigure | None = None) -> list[HouseFigureRow]:
    rows = select(HouseFigureRow)
    if figure is not None:
        rows = rows.where(col(HouseFigureRow.figure) == figure)
    row = HouseFigureRow
    order = col(row.figure), col(row.effective_from), col(row.revision)
    return await every(tx, rows.order_by(*order), HouseFigureRow)
