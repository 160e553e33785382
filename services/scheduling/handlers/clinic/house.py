"""The house's own figures: none is ever changed, a later row replaces it."""

from __future__ import annotations

from services.scheduling.forms.courses import HouseFigureAnswer, HouseFigureWish
from services.scheduling.handlers.signers import broken_by_clinical
from services.scheduling.rules.clinic import figures as rules
from services.scheduling.rules.clinic.house import CLINICAL, broken_by_limits
from services.scheduling.store.house import figure_rows
from services.scheduling.tables.holds import HouseFigureRow
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_house_figure(
    wish: HouseFigureWish, by: Actor, tx: Transaction
) -> HouseFigureAnswer | Refused:
    """Record a figure from a day on; a prescriber signs what is clinical."""
    rows = await figure_rows(tx, wish.figure)
    broken = [
        *rules.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *broken_by_limits(wish.figure, wish.value),
        *await broken_by_clinical(tx, CLINICAL & {wish.figure}, wish.clinician_id, by),
    ]
    if broken:
        return Refused.by_rules(broken, "The figure is not recorded")
    values = {
        **wish.model_dump(),
        "revision": rules.next_revision(wish.effective_from, rows),
        "signed_by": None if wish.clinician_id is None else by.subject,
    }
    tx.insert(HouseFigureRow, **values, recorded_at=tx.now)
    return HouseFigureAnswer(**values)


async def read_house_figures(tx: Transaction) -> list[HouseFigureAnswer]:
    """Every row, by figure and first day, those to come included."""
    rows = await figure_rows(tx)
    return [HouseFigureAnswer(**row.model_dump(exclude={"recorded_at"})) for row in rows]
