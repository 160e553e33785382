"""Figures of visit types and protocols: none is ever changed, a later row replaces it.

A row begins on a day that is not past, so what was decided stays explained by the row it was
decided by. One that was mistyped is put right on its own day by another revision: the last counts.
What is clinical is signed by a prescriber.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from services.scheduling import store
from services.scheduling.forms.figures import (
    AddVisitType,
    FiguresWish,
    ProtocolAnswer,
    ProtocolWish,
    VisitFiguresAnswer,
    VisitFiguresWish,
)
from services.scheduling.handlers.signers import broken_by_clinical
from services.scheduling.rules.clinic import figures as rules
from services.scheduling.store.charts import copy_limits
from services.scheduling.tables.figures import ProtocolRow, VisitTypeRow
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import unknown


async def record_visit_figures(
    visit_type: str, wish: VisitFiguresWish, by: Actor, tx: Transaction
) -> VisitFiguresAnswer | Refused:
    rows = await store.visit_type_rows(tx, visit_type)
    if not rows:
        return Refused.not_found("visit type", "visit_type")
    values = _with_changes(_base(rows, wish.effective_from), wish, by, tx)
    values["revision"] = rules.next_revision(wish.effective_from, rows)
    broken = [
        *rules.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *rules.broken_by_length(values),
        *rules.broken_by_drug(values),
        *rules.broken_by_driving_ban(values["no_drive_min"], rows[0].no_drive_min),
        *await broken_by_clinical(tx, rules.CLINICAL & set(wish.changed()), wish.clinician_id, by),
    ]
    if broken:
        return Refused.by_rules(broken, "The figures are not recorded")
    tx.insert(VisitTypeRow, **values)
    return VisitFiguresAnswer(**values)


async def add_visit_type(
    wish: AddVisitType, by: Actor, tx: Transaction
) -> VisitFiguresAnswer | Refused:
    """A type of the clinic's own, with the figures and limits of one that it has.

    It is given as single visits: a series ends in a prescription of ketamine for home.
    """
    rows = await store.visit_type_rows(tx, wish.like)
    if not rows:
        return Refused.by_rules([unknown("visit type", "like")], "The visit type is not added")
    base = _base(rows, wish.effective_from)
    values = _with_changes(base, wish, by, tx) | {"visit_type": wish.visit_type, "revision": 1}
    there = await store.visit_type_rows(tx, wish.visit_type)
    broken = [
        *rules.broken_by_type_there(is_there=bool(there)),
        *rules.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *rules.broken_by_length(values),
        *rules.broken_by_drug(values),
        *rules.broken_by_driving_ban(values["no_drive_min"], rows[0].no_drive_min),
        *await broken_by_clinical(tx, rules.CLINICAL & set(wish.changed()), wish.clinician_id, by),
    ]
    if broken:
        return Refused.by_rules(broken, "The visit type is not added")
    tx.insert(VisitTypeRow, **values)
    await copy_limits(tx, wish.like, wish.visit_type)
    return VisitFiguresAnswer(**values)


async def record_protocol(
    visit_type: str, wish: ProtocolWish, by: Actor, tx: Transaction
) -> ProtocolAnswer | Refused:
    rows = await store.protocol_rows(tx, visit_type)
    if not rows:
        return Refused.not_found("protocol", "visit_type")
    values = _with_changes(_base(rows, wish.effective_from), wish, by, tx)
    values["revision"] = rules.next_revision(wish.effective_from, rows)
    broken = [
        *rules.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *rules.broken_by_sizes(values),
        *await broken_by_clinical(tx, wish.changed(), wish.clinician_id, by),
    ]
    if broken:
        return Refused.by_rules(broken, "The figures are not recorded")
    tx.insert(ProtocolRow, **values)
    return ProtocolAnswer(**values)


R = TypeVar("R", VisitTypeRow, ProtocolRow)


def _base(rows: Sequence[R], day: date) -> dict[str, Any]:
    """The row in force on a day, else the first."""
    return next((row for row in reversed(rows) if row.effective_from <= day), rows[0]).model_dump()


def _with_changes(
    values: dict[str, Any], wish: FiguresWish, by: Actor, tx: Transaction
) -> dict[str, Any]:
    changed = wish.changed()
    return (
        values
        | {"effective_from": wish.effective_from}
        | {name: figure.value for name, figure in changed.items()}
        | {"sources": values["sources"] | {name: each.source for name, each in changed.items()}}
        | {"clinician_id": wish.clinician_id, "recorded_at": tx.now}
        | {"signed_by": None if wish.clinician_id is None else by.subject}
    )
