"""Who may sign what: the rules by act and first day, and the clinician of a login."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from services.scheduling.rules.signing import Act, Asked
from services.scheduling.store.rows import every, one
from services.scheduling.tables import Clinician
from services.scheduling.tables.signing import SigningRuleRow
from shared.messaging import Transaction


async def asked_of(tx: Transaction, act: Act) -> Asked:
    """What an act asks of its signer today. Days are UTC's, as of all figures of the house."""
    rows = select(SigningRuleRow).where(
        col(SigningRuleRow.act) == act, col(SigningRuleRow.effective_from) <= tx.now.date()
    )
    newest = col(SigningRuleRow.effective_from).desc(), col(SigningRuleRow.revision).desc()
    row = await one(tx, rows.order_by(*newest).limit(1), SigningRuleRow)
    assert row is not None, "each act has its first rule"
    return Asked(tuple(row.credentials), row.dea_needed, row.source)


async def signing_rules(tx: Transaction, act: Act | None = None) -> list[SigningRuleRow]:
    """By act and first day, those to come included."""
    rows = select(SigningRuleRow)
    if act is not None:
        rows = rows.where(col(SigningRuleRow.act) == act)
    row = SigningRuleRow
    order = col(row.act), col(row.effective_from), col(row.revision)
    return await every(tx, rows.order_by(*order), SigningRuleRow)


def add_signing_rule(
    tx: Transaction, act: Act, effective_from: date, **values: Any
) -> SigningRuleRow:
    row = SigningRuleRow(act=act, effective_from=effective_from, recorded_at=tx.now, **values)
    tx.insert(SigningRuleRow, **row.model_dump())
    return row


async def clinician_of(tx: Transaction, subject: str) -> Clinician | None:
    rows = select(Clinician).where(col(Clinician.subject) == subject)
    return await one(tx, rows, Clinician)
