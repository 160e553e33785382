"""The words of a chart: none is ever changed, a later row replaces it or takes it out of use."""

from __future__ import annotations

from services.scheduling.forms.chart_words import ChartWordAnswer, ChartWordWish
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules.clinic import figures
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits.chart_words import broken_by_unsaid
from services.scheduling.store import chart_words as kept
from services.scheduling.tables.chart_words import ChartWordRow
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_chart_word(
    wish: ChartWordWish, by: Actor, tx: Transaction
) -> ChartWordAnswer | Refused:
    """Keep a word that a prescriber signs: what is given and what is watched for is clinical."""
    rows = [each for each in await kept.word_rows(tx, wish.kind) if each.word == wish.word]
    broken = [
        *figures.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *broken_by_unsaid(wish.kind, wish.word, in_use=wish.in_use),
        *await broken_by_signer(tx, wish.clinician_id, by, Act.LIMITS),
    ]
    if broken:
        return Refused.by_rules(broken, "The word is not recorded")
    revision = figures.next_revision(wish.effective_from, rows)
    row = ChartWordRow(
        signed_by=by.subject, revision=revision, recorded_at=tx.now, **wish.model_dump()
    )
    tx.insert(ChartWordRow, **row.model_dump())
    return ChartWordAnswer.model_validate(row, from_attributes=True)


async def read_chart_words(tx: Transaction) -> list[ChartWordAnswer]:
    return [
        ChartWordAnswer.model_validate(row, from_attributes=True)
        for row in await kept.word_rows(tx)
    ]
