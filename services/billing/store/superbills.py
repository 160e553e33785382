"""Superbills: what they are built from, their numbers, their documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from services.billing.rules.superbills import Billed, Paid
from services.billing.store.payments import received_for
from services.billing.tables import Charge, Superbill, SuperbillDocument, SuperbillHold
from services.billing.work import RedeemInfusion, RenderSuperbill
from shared.claims import InfusionRecord
from shared.messaging import Transaction

_PAID = text(
    """
    SELECT c.infusion_id, c.patient_id,
           c.amount_cents - coalesce((SELECT sum(amount_cents) FROM charge_adjustments AS a
                                       WHERE a.charge_id = c.charge_id), 0) AS amount_cents
      FROM charges AS c
     WHERE c.charge_id = :charge_id AND c.state = 'paid'
       AND NOT EXISTS (SELECT FROM superbills AS s WHERE s.charge_id = c.charge_id)
    """
)

_NEXT_NUMBER = text(
    """
    INSERT INTO superbill_numbers AS n (year, last_number) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last_number = n.last_number + 1
    RETURNING last_number
    """
)

_UNPRINTED = text(
    """
    SELECT sealed, issued_at FROM superbills
     WHERE superbill_id = :superbill_id
       AND NOT EXISTS (SELECT FROM superbill_documents AS d WHERE d.superbill_id = :superbill_id)
    """
)

_ISSUED = text(
    """
    SELECT s.number, s.patient_id, s.infusion_id, s.charge_id, s.total_cents, s.issued_at,
           s.content_sha256, s.sealed, d.sealed AS document
      FROM superbills AS s LEFT JOIN superbill_documents AS d USING (superbill_id)
     WHERE s.superbill_id = :superbill_id
    """
)


_HOLD = text(
    """
    INSERT INTO superbill_holds (charge_id, rules, noticed_at) VALUES (:charge_id, :rules, :at)
    ON CONFLICT (charge_id) DO UPDATE SET rules = excluded.rules
    """
).bindparams(bindparam("rules", type_=ARRAY(TEXT)))

_LET_GO = text("DELETE FROM superbill_holds WHERE charge_id = :charge_id")

_BILLED = text(
    """
    SELECT c.patient_id, c.state = 'paid' AS is_paid, s.superbill_id,
           d.superbill_id IS NOT NULL AS is_printed
      FROM charges AS c
      LEFT JOIN superbills AS s USING (charge_id)
      LEFT JOIN superbill_documents AS d ON d.superbill_id = s.superbill_id
     WHERE c.charge_id = :charge_id
    """
)


@dataclass(frozen=True, slots=True)
class Unbilled:
    """A paid charge that has no superbill yet."""

    infusion_id: UUID
    patient_id: UUID
    paid: Paid

    def is_about(self, record: InfusionRecord) -> bool:
        """Whether a record is of the infusion that was paid, and of whom it was charged to."""
        return (record.infusion_id, record.patient.patient_id) == (
            self.infusion_id,
            self.patient_id,
        )


async def find_unbilled(tx: Transaction, charge_id: UUID) -> Unbilled | None:
    """`None` when the charge is not paid or has its superbill."""
    row = (await tx.execute(_PAID, {"charge_id": charge_id})).one_or_none()
    if row is None:
        return None
    paid = Paid(charge_id, row.amount_cents, await received_for(tx, charge_id))
    return Unbilled(row.infusion_id, row.patient_id, paid)


async def load_unbilled(tx: Transaction, work: RedeemInfusion) -> Unbilled | None:
    return await find_unbilled(tx, work.charge_id)


async def hold(tx: Transaction, charge_id: UUID, reasons: list[str]) -> None:
    """Note why a superbill waits; what was noted before is replaced."""
    await tx.execute(_HOLD, {"charge_id": charge_id, "rules": reasons, "at": tx.now})


async def let_go(tx: Transaction, charge_id: UUID) -> None:
    """Nothing keeps the superbill any more."""
    await tx.execute(_LET_GO, {"charge_id": charge_id})


async def find_billed(tx: Transaction, charge_id: UUID) -> Billed | None:
    row = (await tx.execute(_BILLED, {"charge_id": charge_id})).one_or_none()
    return row and Billed(row.patient_id, row.is_paid, row.superbill_id, row.is_printed)


async def take_number(tx: Transaction, year: int) -> int:
    """The next number of a year. Others wait for this transaction, so none is ever skipped."""
    return int((await tx.execute(_NEXT_NUMBER, {"year": year})).scalar_one())


@dataclass(frozen=True, slots=True)
class Unprinted:
    """A superbill without its document."""

    superbill_id: UUID
    content: bytes
    issued_at: datetime


async def load_unprinted(tx: Transaction, work: RenderSuperbill) -> Unprinted | None:
    """`None` once the document is kept."""
    row = (await tx.execute(_UNPRINTED, {"superbill_id": work.superbill_id})).one_or_none()
    if row is None:
        return None
    return Unprinted(
        work.superbill_id, open_content(tx, work.superbill_id, row.sealed), row.issued_at
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A superbill's row, still sealed. `document` is missing until it is printed."""

    number: str
    patient_id: UUID
    infusion_id: UUID
    charge_id: UUID
    total_cents: int
    issued_at: datetime
    content_sha256: bytes
    sealed: bytes
    document: bytes | None


async def find_superbill(tx: Transaction, superbill_id: UUID) -> Kept | None:
    row = (await tx.execute(_ISSUED, {"superbill_id": superbill_id})).one_or_none()
    if row is None:
        return None
    return Kept(
        number=row.number,
        patient_id=row.patient_id,
        infusion_id=row.infusion_id,
        charge_id=row.charge_id,
        total_cents=row.total_cents,
        issued_at=row.issued_at,
        content_sha256=row.content_sha256,
        sealed=row.sealed,
        document=row.document,
    )


def seal_content(tx: Transaction, superbill_id: UUID, content: bytes) -> bytes:
    return tx.vault.seal_bytes(content, table="superbills", column="sealed", row=superbill_id)


def open_content(tx: Transaction, superbill_id: UUID, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(sealed, table="superbills", column="sealed", row=superbill_id)


def seal_document(tx: Transaction, superbill_id: UUID, pdf: bytes) -> bytes:
    return tx.vault.seal_bytes(pdf, table="superbill_documents", column="sealed", row=superbill_id)


def open_document(tx: Transaction, superbill_id: UUID, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(
        sealed, table="superbill_documents", column="sealed", row=superbill_id
    )


_SUPERBILLS: Table = Superbill.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_ISSUE = (_SUPERBILLS.c.issued_at, _SUPERBILLS.c.superbill_id)


_HOLDS: Table = SuperbillHold.__table__  # type: ignore[attr-defined]  # as above
_CHARGES: Table = Charge.__table__  # type: ignore[attr-defined]  # as above

BY_HOLD = (_HOLDS.c.noticed_at, _HOLDS.c.charge_id)


def held() -> Select[Any]:
    """All superbills that wait, with the names of the rules that they would break."""
    return select(*_HOLDS.c, _CHARGES.c.patient_id, _CHARGES.c.infusion_id).join(
        _CHARGES, _CHARGES.c.charge_id == _HOLDS.c.charge_id
    )


def issued_to(patient_id: UUID) -> Select[Any]:
    """A patient's issued superbills. The sealed content stays where it is."""
    return (
        select(
            _SUPERBILLS.c.superbill_id,
            _SUPERBILLS.c.number,
            _SUPERBILLS.c.infusion_id,
            _SUPERBILLS.c.total_cents,
            _SUPERBILLS.c.issued_at,
        )
        .join(SuperbillDocument)
        .where(_SUPERBILLS.c.patient_id == patient_id)
    )
