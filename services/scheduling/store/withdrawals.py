"""Figures that are no longer to come. Who took one back, and which, is in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import Table, delete, select
from sqlmodel import SQLModel

from services.scheduling.tables.chart_words import ChartWordRow
from services.scheduling.tables.figures import (
    OpeningHoursRow,
    ProtocolRow,
    RosterRow,
    VisitTypeRow,
)
from services.scheduling.tables.holds import HouseFigureRow
from services.scheduling.tables.signing import SigningRuleRow
from services.scheduling.tables.visits import LimitRow
from shared.messaging import Transaction

TABLES: dict[str, type[SQLModel]] = {
    "visit_figures": VisitTypeRow,
    "protocol": ProtocolRow,
    "house_figure": HouseFigureRow,
    "limit": LimitRow,
    "signing_rule": SigningRuleRow,
    "chart_word": ChartWordRow,
    "opening_hours": OpeningHoursRow,
    "roster": RosterRow,
}


async def location_of(tx: Transaction, kind: str, id_: UUID) -> UUID | None:
    """Of which place a roster or its hours are; nothing where there are none."""
    table: Table = TABLES[kind].__table__  # type: ignore[attr-defined]  # every table=True model has one
    [key] = table.primary_key.columns
    return (await tx.execute(select(table.c.location_id).where(key == id_))).scalar_one_or_none()


async def first_day_of(tx: Transaction, kind: str, key: Mapping[str, object]) -> date | None:
    """From when a figure holds, held until the commit; nothing where there is none."""
    table: Table = TABLES[kind].__table__  # type: ignore[attr-defined]  # every table=True model has one
    rows = select(table.c.effective_from).where(*(table.c[name] == key[name] for name in key))
    return (await tx.execute(rows.with_for_update())).scalars().first()


async def is_signed(tx: Transaction, kind: str, key: Mapping[str, object]) -> bool:
    """Whether a prescriber signed what begins on a day of a visit type, or of its protocol."""
    table: Table = TABLES[kind].__table__  # type: ignore[attr-defined]  # every table=True model has one
    if "signed_by" not in table.c:
        return False
    signed = (table.c.signed_by.is_not(None), *(table.c[name] == key[name] for name in key))
    return (await tx.execute(select(table.c.effective_from).where(*signed))).first() is not None


async def take_back(tx: Transaction, kind: str, key: Mapping[str, object]) -> None:
    table: Table = TABLES[kind].__table__  # type: ignore[attr-defined]  # every table=True model has one
    await tx.execute(delete(table).where(*(table.c[name] == key[name] for name in key)))
