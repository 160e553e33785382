"""The words of superbills, from a day on."""

from __future__ import annotations

from datetime import date

from pydantic import TypeAdapter
from sqlalchemy import text

from services.billing.rules.superbills.wording import ReceiptWords, Standing, Statement, Wording
from shared.messaging import Transaction

_IN_FORCE = text(
    """
    SELECT wording_id, statements, gathers, receipt, corrections FROM superbill_wordings
     WHERE effective_from <= :day
     ORDER BY effective_from DESC, wording_id DESC LIMIT 1
    """
)

_RECEIPT = text("SELECT receipt FROM superbill_wordings WHERE wording_id = :wording_id")

_LOCK = text("LOCK TABLE superbill_wordings IN SHARE ROW EXCLUSIVE MODE")
_NEXT = text("SELECT coalesce(max(wording_id), 0) + 1 FROM superbill_wordings")

_STATEMENTS = TypeAdapter(dict[Standing, Statement])


async def wording_on(tx: Transaction, day: date) -> Wording:
    """The words in force on a day: the first are there since before the house was."""
    row = (await tx.execute(_IN_FORCE, {"day": day})).one()
    return Wording(
        row.wording_id,
        _STATEMENTS.validate_python(row.statements),
        row.gathers,
        ReceiptWords(**row.receipt),
        row.corrections,
    )


async def receipt_words(tx: Transaction, wording_id: int) -> ReceiptWords:
    """What the receipt of a superbill says that was issued in some words."""
    found = await tx.execute(_RECEIPT, {"wording_id": wording_id})
    return ReceiptWords(**found.scalar_one())


async def next_wording_id(tx: Transaction) -> int:
    """The next one's id; until the commit nobody else gets one."""
    await tx.execute(_LOCK)
    return int((await tx.execute(_NEXT)).scalar_one())
