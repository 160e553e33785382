"""The words of a chart: those in use, and every row of them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from services.scheduling.rules.visits.chart_words import WordKind
from services.scheduling.store.rows import every
from services.scheduling.tables.chart_words import ChartWordRow
from shared.messaging import Transaction


async def words_in_use(tx: Transaction, kind: WordKind) -> list[str]:
    """The words of a kind that are in use today, by UTC's day as for all figures of the house."""
    word, since = col(ChartWordRow.word), col(ChartWordRow.effective_from)
    latest = (
        select(ChartWordRow)
        .ext(distinct_on(word))
        .where(col(ChartWordRow.kind) == kind, since <= tx.now.date())
        .order_by(word, since.desc(), col(ChartWordRow.revision).desc())
    )
    return [row.word for row in await every(tx, latest, ChartWordRow) if row.in_use]


async def word_rows(tx: Transaction, kind: WordKind | None = None) -> list[ChartWordRow]:
    """By kind, word and first day, those to come included."""
    rows = select(ChartWordRow)
    if kind is not None:
        rows = rows.where(col(ChartWordRow.kind) == kind)
    row = ChartWordRow
    order = col(row.kind), col(row.word), col(row.effective_from), col(row.revision)
    return await every(tx, rows.order_by(*order), ChartWordRow)
