"""A patient's account as the ledger has it, and the statements that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import TEXT

from services.billing.rules.books.ledger import Reason
from services.billing.rules.books.statements import Moved
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.tables import PatientStatement
from services.billing.work import AddressStatement, RenderStatement
from shared.events.billing import TenderKind
from shared.messaging import Transaction

_FORWARD = text(
    """
    SELECT coalesce(sum(CASE debit WHEN 'patient_receivable' THEN amount_cents
                                   ELSE -amount_cents END), 0)
      FROM ledger_transfers
     WHERE patient_id = :patient_id AND posted_at < :before
       AND 'patient_receivable' IN (debit, credit)
    """
)

_HELD = text(
    """
    SELECT coalesce(sum(CASE WHEN credit IN ('patient_credit', 'unmatched_money')
                             THEN amount_cents ELSE 0 END
                      - CASE WHEN debit IN ('patient_credit', 'unmatched_money')
                             THEN amount_cents ELSE 0 END), 0)
      FROM ledger_transfers WHERE patient_id = :patient_id AND posted_at < :before
    """
)

# A card's money is known to the patient by the payment's own id, as on superbills.
_MOVED = text(
    """
    SELECT t.posted_at, t.reason, o.reason AS undoes, t.charge_id,
           CASE t.debit WHEN 'patient_receivable' THEN t.amount_cents
                        ELSE -t.amount_cents END AS amount_cents,
           CASE t.reason WHEN 'charge_posted'
                         THEN (t.happened_at AT TIME ZONE coalesce(v.zone, :zone))::date
           END AS served_on,
           coalesce(p.tender, u.tender, r.tender) AS tender,
           CASE WHEN p.tender = 'card' THEN p.payment_id::text
                WHEN p.tender IS NOT NULL THEN p.reference
                WHEN u.tender IS NOT NULL THEN u.payment_id::text
                ELSE coalesce(r.reference, r.refund_id::text) END AS reference
      FROM ledger_transfers AS t
      LEFT JOIN ledger_transfers AS o ON o.transfer_id = t.reverses
      LEFT JOIN charges AS c ON t.reason = 'charge_posted' AND c.charge_id = t.charge_id
      LEFT JOIN visits AS v ON v.appointment_id = c.appointment_id
      LEFT JOIN payments AS p
             ON p.payment_id = CASE WHEN t.reason IN ('card_captured', 'outside_payment',
                                                      'package_paid', 'prepaid_used')
                                    THEN t.source_id::uuid END
      LEFT JOIN payments AS u
             ON t.reason = 'unmatched_applied' AND u.tender = 'card' AND u.reference = t.source_id
      LEFT JOIN refunds AS r
             ON r.refund_id = CASE WHEN t.reason IN ('refund_started', 'package_refunded')
                                   THEN t.source_id::uuid END
     WHERE t.patient_id = :patient_id AND 'patient_receivable' IN (t.debit, t.credit)
       AND t.posted_at >= :begins AND t.posted_at < :before
     ORDER BY t.posted_at, t.transfer_id
    """
).bindparams(bindparam("zone", CLINIC_ZONE.key, type_=TEXT))

_KNOWN = text(
    """
    SELECT EXISTS (SELECT FROM visits WHERE patient_id = :patient_id)
        OR EXISTS (SELECT FROM ledger_transfers WHERE patient_id = :patient_id)
    """
)

_FIND = "SELECT * FROM patient_statements WHERE statement_id = :statement_id"

_LOOK = text(_FIND)
_LOCK = text(_FIND + " FOR UPDATE")

_DRAFTED = text(
    "UPDATE patient_statements SET content = :content WHERE statement_id = :statement_id"
)

_READY = text(
    """
    UPDATE patient_statements SET document = :document, ready_at = :at
     WHERE statement_id = :statement_id
    """
)


async def knows(tx: Transaction, patient_id: UUID) -> bool:
    """Whether there is anything of a patient: a visit, or money."""
    return bool((await tx.execute(_KNOWN, {"patient_id": patient_id})).scalar_one())


async def forward(tx: Transaction, patient_id: UUID, before: datetime) -> int:
    """What a patient owed at a moment."""
    asked = {"patient_id": patient_id, "before": before}
    return int((await tx.execute(_FORWARD, asked)).scalar_one())


async def held(tx: Transaction, patient_id: UUID, before: datetime) -> int:
    """What of a patient's money paid no charge at a moment."""
    asked = {"patient_id": patient_id, "before": before}
    return int((await tx.execute(_HELD, asked)).scalar_one())


async def moved(
    tx: Transaction, patient_id: UUID, begins: datetime, before: datetime
) -> list[Moved]:
    """What went into and out of what a patient owes, in the order of its posting."""
    asked = {"patient_id": patient_id, "begins": begins, "before": before}
    return [
        Moved(
            posted_at=row.posted_at,
            reason=Reason(row.reason),
            undoes=row.undoes and Reason(row.undoes),
            amount_cents=row.amount_cents,
            charge_id=row.charge_id,
            served_on=row.served_on,
            tender=row.tender and TenderKind(row.tender),
            reference=row.reference,
        )
        for row in await tx.execute(_MOVED, asked)
    ]


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement's row, still sealed. `document` is missing until it is printed."""

    statement_id: UUID
    patient_id: UUID
    location_id: UUID
    since: date
    until: date
    content: bytes | None
    document: bytes | None
    asked_by: str
    asked_at: datetime
    ready_at: datetime | None


async def find(tx: Transaction, statement_id: UUID) -> Kept | None:
    row = (await tx.execute(_LOOK, {"statement_id": statement_id})).one_or_none()
    return row and Kept(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


async def lock(tx: Transaction, statement_id: UUID) -> Kept | None:
    row = (await tx.execute(_LOCK, {"statement_id": statement_id})).one_or_none()
    return row and Kept(**row._mapping)  # noqa: SLF001  # as above


async def load_unaddressed(tx: Transaction, work: AddressStatement) -> Kept | None:
    """`None` once its content is kept."""
    kept = await find(tx, work.statement_id)
    return kept if kept is not None and kept.content is None else None


@dataclass(frozen=True, slots=True)
class Unprinted:
    """A statement without its document."""

    statement_id: UUID
    content: bytes
    asked_at: datetime


async def load_unprinted(tx: Transaction, work: RenderStatement) -> Unprinted | None:
    """`None` once the document is kept."""
    kept = await find(tx, work.statement_id)
    if kept is None or kept.content is None or kept.document is not None:
        return None
    content = _open(tx, work.statement_id, "content", kept.content)
    return Unprinted(work.statement_id, content, kept.asked_at)


async def note_content(tx: Transaction, statement_id: UUID, content: bytes) -> None:
    sealed = _seal(tx, statement_id, "content", content)
    await tx.execute(_DRAFTED, {"statement_id": statement_id, "content": sealed})


async def note_document(tx: Transaction, statement_id: UUID, pdf: bytes) -> None:
    sealed = _seal(tx, statement_id, "document", pdf)
    await tx.execute(_READY, {"statement_id": statement_id, "document": sealed, "at": tx.now})


def open_document(tx: Transaction, statement_id: UUID, sealed: bytes) -> bytes:
    return _open(tx, statement_id, "document", sealed)


def _seal(tx: Transaction, statement_id: UUID, column: str, content: bytes) -> bytes:
    return tx.vault.seal_bytes(content, table="patient_statements", column=column, row=statement_id)


def _open(tx: Transaction, statement_id: UUID, column: str, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(sealed, table="patient_statements", column=column, row=statement_id)


_STATEMENTS: Table = PatientStatement.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_ASKING = (_STATEMENTS.c.asked_at, _STATEMENTS.c.statement_id)


def of_patient(patient_id: UUID) -> Select[Any]:
    """A patient's statements. The sealed content stays where it is."""
    names = ("statement_id", "patient_id", "since", "until", "asked_by", "asked_at", "ready_at")
    return select(*(_STATEMENTS.c[name] for name in names)).where(
        _STATEMENTS.c.patient_id == patient_id
    )
