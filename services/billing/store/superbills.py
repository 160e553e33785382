"""Superbills: what they are built from, their numbers and versions, their documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, and_, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, DATE, TEXT

from services.billing.rules.charges.standing import ChargeState
from services.billing.rules.superbills.building import ServiceRecord
from services.billing.rules.superbills.document import Billed, CorrectionReason, Paid
from services.billing.rules.superbills.lint import DISCHARGED_WITHIN
from services.billing.rules.superbills.wording import ReceiptWords
from services.billing.rules.superbills.words import NO_DRUG
from services.billing.store.payments import received_for
from services.billing.store.refunds import given_back_of
from services.billing.store.superbill_wordings import receipt_words
from services.billing.tables import Charge, Superbill, SuperbillDocument, SuperbillHold, Visit
from services.billing.work import RedeemService, ReissueSuperbill, RenderSuperbill
from shared.claims import InfusionRecord
from shared.events.billing import ServiceKind
from shared.messaging import Transaction

PAID = frozenset({ChargeState.PAID})
SETTLED = frozenset({ChargeState.PAID, ChargeState.CLOSED})

_PAID = text(
    """
    SELECT c.service, c.infusion_id, c.patient_id, c.amount_cents,
           c.forgiven_cents AS reduced_cents, c.state,
           s.superbill_id IS NOT NULL AS is_billed, s.reason AS last_reason
      FROM charges AS c
      LEFT JOIN LATERAL (SELECT superbill_id, reason FROM superbills AS s
                          WHERE s.charge_id = c.charge_id ORDER BY version DESC LIMIT 1) AS s
             ON true
     WHERE c.charge_id = :charge_id
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
    SELECT sealed, issued_at, wording_id FROM superbills
     WHERE superbill_id = :superbill_id
       AND NOT EXISTS (SELECT FROM superbill_documents AS d WHERE d.superbill_id = :superbill_id)
    """
)

_KEPT = """
    SELECT s.superbill_id, s.number, s.version, s.replaces_id, s.reason, s.patient_id,
           s.infusion_id, s.charge_id, s.month, s.total_cents, s.issued_at, s.content_sha256,
           s.sealed, d.sealed AS document, d.receipt, c.service, s.wording_id
      FROM superbills AS s LEFT JOIN superbill_documents AS d USING (superbill_id)
      LEFT JOIN charges AS c USING (charge_id)
"""

_ISSUED = text(_KEPT + " WHERE s.superbill_id = :superbill_id")

_LATEST = text(_KEPT + " WHERE s.charge_id = :charge_id ORDER BY s.version DESC LIMIT 1")

_NEWEST = (
    _KEPT
    + """
     WHERE s.patient_id = :patient_id AND s.month IS NULL
       AND NOT EXISTS (SELECT FROM superbills AS later WHERE later.replaces_id = s.superbill_id)
    """
)

_IN_MONTH = text(
    _NEWEST
    + """
       AND s.served_on >= :month AND s.served_on < :month + interval '1 month'
     ORDER BY s.served_on, s.superbill_id
    """
).bindparams(bindparam("month", type_=DATE))

_ON_DAY = text(
    _NEWEST + " AND s.served_on = :day AND s.charge_id <> :but_of ORDER BY s.superbill_id"
)

_WAITS = text(
    """
    SELECT c.charge_id, h.correction
      FROM superbill_holds AS h JOIN charges AS c USING (charge_id)
     WHERE c.infusion_id = :infusion_id AND :rule = ANY(h.rules)
    """
)

_MONTH = text(
    _KEPT + " WHERE s.patient_id = :patient_id AND s.month = :month ORDER BY s.version DESC LIMIT 1"
)

_HOLD = text(
    """
    INSERT INTO superbill_holds (charge_id, rules, correction, noticed_at)
    VALUES (:charge_id, :rules, :correction, :at)
    ON CONFLICT (charge_id) DO UPDATE SET rules = excluded.rules, correction = excluded.correction
    """
).bindparams(bindparam("rules", type_=ARRAY(TEXT)), bindparam("correction", type_=TEXT))

_LET_GO = text("DELETE FROM superbill_holds WHERE charge_id = :charge_id")

_BILLED = text(
    """
    SELECT c.patient_id, c.state = 'paid' AS is_paid, c.state = 'closed' AS is_given_up,
           s.superbill_id,
           d.superbill_id IS NOT NULL AS is_printed, h.correction
      FROM charges AS c
      LEFT JOIN superbills AS s USING (charge_id)
      LEFT JOIN superbill_documents AS d ON d.superbill_id = s.superbill_id
      LEFT JOIN superbill_holds AS h ON h.charge_id = c.charge_id
     WHERE c.charge_id = :charge_id
     ORDER BY s.version DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Unbilled:
    """A paid charge whose superbill is to be made, or made anew because of `correction`."""

    service: ServiceKind
    infusion_id: UUID
    patient_id: UUID
    paid: Paid
    correction: CorrectionReason | None = None

    def is_about(self, record: ServiceRecord) -> bool:
        """Whether a record is of the service that was paid, and of whom it was charged to."""
        if isinstance(record, InfusionRecord):
            about = ServiceKind.INFUSION, record.infusion_id
        else:
            about = ServiceKind.SESSION, record.appointment_id
        return (*about, record.patient.patient_id) == (
            self.service,
            self.infusion_id,
            self.patient_id,
        )


async def find_settled(
    tx: Transaction, charge_id: UUID, correction: CorrectionReason | None
) -> Unbilled | None:
    """`None` while something is owed, and for a first superbill unless something was paid.

    Where one is issued, being paid again corrects it, and so does a payment that did not come.
    """
    row = (await tx.execute(_PAID, {"charge_id": charge_id})).one_or_none()
    if row is None:
        return None
    fell_through = row.is_billed and correction is CorrectionReason.PAYMENT
    if not fell_through and row.state not in (SETTLED if row.is_billed else PAID):
        return None
    paid = Paid(
        charge_id=charge_id,
        amount_cents=row.amount_cents,
        payments=await received_for(tx, charge_id),
        refunds=await given_back_of(tx, charge_id),
        reduced_cents=row.reduced_cents,
    )
    if row.is_billed:
        was_owed = row.last_reason == CorrectionReason.PAYMENT
        again = CorrectionReason.PAYMENT if was_owed else CorrectionReason.REFUND
        correction = correction or again
    return Unbilled(ServiceKind(row.service), row.infusion_id, row.patient_id, paid, correction)


async def load_unbilled(tx: Transaction, work: RedeemService) -> Unbilled | None:
    return await find_settled(tx, work.charge_id, None)


async def load_corrected(tx: Transaction, work: ReissueSuperbill) -> Unbilled | None:
    return await find_settled(tx, work.charge_id, work.reason)


async def hold(
    tx: Transaction, charge_id: UUID, reasons: list[str], correction: CorrectionReason | None
) -> None:
    """Note why a superbill waits; what was noted before is replaced."""
    await tx.execute(
        _HOLD, {"charge_id": charge_id, "rules": reasons, "correction": correction, "at": tx.now}
    )


async def let_go(tx: Transaction, charge_id: UUID) -> None:
    """Nothing keeps the superbill any more."""
    await tx.execute(_LET_GO, {"charge_id": charge_id})


async def find_billed(tx: Transaction, charge_id: UUID) -> Billed | None:
    row = (await tx.execute(_BILLED, {"charge_id": charge_id})).one_or_none()
    return row and Billed(
        patient_id=row.patient_id,
        is_paid=row.is_paid,
        is_given_up=row.is_given_up,
        superbill_id=row.superbill_id,
        is_printed=row.is_printed,
        held_correction=row.correction and CorrectionReason(row.correction),
    )


async def take_number(tx: Transaction, year: int) -> int:
    """The next number of a year. Others wait for this transaction, so none is ever skipped."""
    return int((await tx.execute(_NEXT_NUMBER, {"year": year})).scalar_one())


@dataclass(frozen=True, slots=True)
class Unprinted:
    """A superbill without its document."""

    superbill_id: UUID
    content: bytes
    issued_at: datetime
    words: ReceiptWords


async def load_unprinted(tx: Transaction, work: RenderSuperbill) -> Unprinted | None:
    """`None` once the document is kept."""
    row = (await tx.execute(_UNPRINTED, {"superbill_id": work.superbill_id})).one_or_none()
    if row is None:
        return None
    return Unprinted(
        work.superbill_id,
        open_content(tx, work.superbill_id, row.sealed),
        row.issued_at,
        await receipt_words(tx, row.wording_id),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A superbill's row, still sealed. `document` and `receipt` are missing until printed."""

    superbill_id: UUID
    number: str
    version: int
    replaces_id: UUID | None
    reason: str | None
    patient_id: UUID
    infusion_id: UUID | None
    charge_id: UUID | None
    month: date | None
    total_cents: int
    issued_at: datetime
    content_sha256: bytes
    sealed: bytes
    document: bytes | None
    receipt: bytes | None
    service: str | None
    wording_id: int

    @property
    def file_name(self) -> str:
        """The number, and from the second version on which one it is."""
        return self.number if self.version == 1 else f"{self.number}-v{self.version}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A superbill that is held, the first one or a correction."""

    charge_id: UUID
    correction: CorrectionReason | None


async def find_superbill(tx: Transaction, superbill_id: UUID) -> Kept | None:
    row = (await tx.execute(_ISSUED, {"superbill_id": superbill_id})).one_or_none()
    return row and Kept(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


async def find_latest(tx: Transaction, charge_id: UUID) -> Kept | None:
    """The newest version of a charge's superbill, printed or not."""
    row = (await tx.execute(_LATEST, {"charge_id": charge_id})).one_or_none()
    return row and Kept(**row._mapping)  # noqa: SLF001  # as above


async def issued_in(tx: Transaction, patient_id: UUID, month: date) -> list[Kept]:
    """The newest superbill of each of a patient's visits of a month, by day."""
    rows = await tx.execute(_IN_MONTH, {"patient_id": patient_id, "month": month})
    return [Kept(**row._mapping) for row in rows]  # noqa: SLF001  # as above


async def issued_on(tx: Transaction, patient_id: UUID, day: date, *, but_of: UUID) -> list[Kept]:
    """The newest superbill of each of a patient's visits of a day, but of one charge's."""
    asked = {"patient_id": patient_id, "day": day, "but_of": but_of}
    return [Kept(**row._mapping) for row in await tx.execute(_ON_DAY, asked)]  # noqa: SLF001  # as above


async def find_waiting(tx: Transaction, infusion_id: UUID, rule: str) -> Waiting | None:
    """The superbill of an infusion that waits because of a rule."""
    row = (await tx.execute(_WAITS, {"infusion_id": infusion_id, "rule": rule})).one_or_none()
    return row and Waiting(row.charge_id, row.correction and CorrectionReason(row.correction))


async def find_month(tx: Transaction, patient_id: UUID, month: date) -> Kept | None:
    """The newest version of a month's superbill, printed or not."""
    row = (await tx.execute(_MONTH, {"patient_id": patient_id, "month": month})).one_or_none()
    return row and Kept(**row._mapping)  # noqa: SLF001  # as above


def seal_content(tx: Transaction, superbill_id: UUID, content: bytes) -> bytes:
    return tx.vault.seal_bytes(content, table="superbills", column="sealed", row=superbill_id)


def open_content(tx: Transaction, superbill_id: UUID, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(sealed, table="superbills", column="sealed", row=superbill_id)


def seal_document(tx: Transaction, superbill_id: UUID, column: str, pdf: bytes) -> bytes:
    """`column` is `sealed` for the superbill and `receipt` for its receipt."""
    return tx.vault.seal_bytes(pdf, table="superbill_documents", column=column, row=superbill_id)


def open_document(tx: Transaction, superbill_id: UUID, column: str, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(sealed, table="superbill_documents", column=column, row=superbill_id)


_SUPERBILLS: Table = Superbill.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_ISSUE = (_SUPERBILLS.c.issued_at, _SUPERBILLS.c.superbill_id)


_HOLDS: Table = SuperbillHold.__table__  # type: ignore[attr-defined]  # as above
_CHARGES: Table = Charge.__table__  # type: ignore[attr-defined]  # as above
_VISITS: Table = Visit.__table__  # type: ignore[attr-defined]  # as above

BY_HOLD = (_HOLDS.c.noticed_at, _HOLDS.c.charge_id)


def held(now: datetime) -> Select[Any]:
    """All superbills that wait, with the names of the rules that they would break.

    But those that the patient's discharge is going to mend: nobody else can until then.
    """
    mended_by_discharge = and_(
        _HOLDS.c.rules == [NO_DRUG.rule],
        _VISITS.c.left_at.is_(None),
        _CHARGES.c.posted_at > now - DISCHARGED_WITHIN,
    )
    return (
        select(*_HOLDS.c, _CHARGES.c.patient_id, _CHARGES.c.infusion_id)
        .join(_CHARGES, _CHARGES.c.charge_id == _HOLDS.c.charge_id)
        .outerjoin(_VISITS, _VISITS.c.appointment_id == _CHARGES.c.appointment_id)
        .where(~mended_by_discharge)
    )


def issued_to(patient_id: UUID) -> Select[Any]:
    """A patient's issued superbills, every version. The sealed content stays where it is."""
    return (
        select(
            _SUPERBILLS.c.superbill_id,
            _SUPERBILLS.c.number,
            _SUPERBILLS.c.version,
            _SUPERBILLS.c.replaces_id,
            _SUPERBILLS.c.reason,
            _SUPERBILLS.c.infusion_id,
            _SUPERBILLS.c.month,
            _SUPERBILLS.c.served_on,
            _SUPERBILLS.c.total_cents,
            _SUPERBILLS.c.issued_at,
        )
        .join(SuperbillDocument)
        .where(_SUPERBILLS.c.patient_id == patient_id)
    )
