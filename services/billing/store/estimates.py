"""Estimates: what they are built from, their numbers, their documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Table,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATE, TIMESTAMP

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.estimates.items import Scope, Wording
from services.billing.tables import Estimate, EstimateCourse, EstimateDocument
from services.billing.work import RenderEstimate
from shared.events.billing import EstimateReason
from shared.messaging import Transaction

_FEES = text(
    """
    SELECT (SELECT amount_cents FROM fees
             WHERE visit_type = :visit_type AND effective_from <= i.day
             ORDER BY effective_from DESC, revision DESC LIMIT 1) AS amount_cents
      FROM unnest(:days) WITH ORDINALITY AS i (day, n)
     ORDER BY i.n
    """
).bindparams(bindparam("days", type_=ARRAY(DATE)))

_WORDING = text(
    """
    SELECT wording_id, services, separately, disclaimers FROM estimate_wordings
     WHERE effective_from <= :day
     ORDER BY effective_from DESC, wording_id DESC LIMIT 1
    """
)

_NEXT_WORDING = text("SELECT coalesce(max(wording_id), 0) + 1 FROM estimate_wordings")
_LOCK_WORDINGS = text("LOCK TABLE estimate_wordings IN SHARE ROW EXCLUSIVE MODE")

_NEXT_NUMBER = text(
    """
    INSERT INTO estimate_numbers AS n (year, last_number) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last_number = n.last_number + 1
    RETURNING last_number
    """
)

_LAST = text(
    """
    SELECT e.estimate_id, e.number, e.version, e.visit_type, e.fees_cents, e.expires_on,
           EXISTS (SELECT FROM estimate_documents AS d
                    WHERE d.estimate_id = e.estimate_id) AS is_issued
      FROM estimates AS e WHERE e.course_id = :course_id ORDER BY e.version DESC LIMIT 1
    """
)

_UNPRINTED = text(
    """
    SELECT sealed, drafted_at FROM estimates
     WHERE estimate_id = :estimate_id
       AND NOT EXISTS (SELECT FROM estimate_documents AS d WHERE d.estimate_id = :estimate_id)
    """
)

_KEPT = text(
    """
    SELECT e.course_id, e.number, e.version, e.reason, e.patient_id, e.total_cents, e.expires_on,
           e.content_sha256, e.sealed, e.drafted_at, d.sealed AS document, d.issued_at
      FROM estimates AS e LEFT JOIN estimate_documents AS d USING (estimate_id)
     WHERE e.estimate_id = :estimate_id
    """
)


async def fees_on(tx: Transaction, visit_type: str, days: Sequence[date]) -> list[int | None]:
    """The fee in force on each day, where there is one."""
    asked = {"visit_type": visit_type, "days": list(days)}
    return [row.amount_cents for row in await tx.execute(_FEES, asked)]


async def wording_on(tx: Transaction, day: date) -> Wording | None:
    row = (await tx.execute(_WORDING, {"day": day})).one_or_none()
    if row is None:
        return None
    return Wording(row.wording_id, row.services, tuple(row.separately), tuple(row.disclaimers))


async def next_wording_id(tx: Transaction) -> int:
    """The next one's id; until the commit nobody else gets one."""
    await tx.execute(_LOCK_WORDINGS)
    return int((await tx.execute(_NEXT_WORDING)).scalar_one())


async def take_number(tx: Transaction, year: int) -> int:
    """The next number of a year. Others wait for this transaction, so none is ever skipped."""
    return int((await tx.execute(_NEXT_NUMBER, {"year": year})).scalar_one())


@dataclass(frozen=True, slots=True)
class Last:
    """The newest version of a course's estimate, printed or not."""

    estimate_id: UUID
    number: str
    version: int
    is_issued: bool
    scope: Scope


async def find_last(tx: Transaction, course_id: UUID) -> Last | None:
    row = (await tx.execute(_LAST, {"course_id": course_id})).one_or_none()
    if row is None:
        return None
    scope = Scope(row.visit_type, tuple(row.fees_cents), row.expires_on)
    return Last(row.estimate_id, row.number, row.version, row.is_issued, scope)


@dataclass(frozen=True, slots=True)
class Unprinted:
    """An estimate without its document."""

    estimate_id: UUID
    content: bytes
    drafted_at: datetime


async def load_unprinted(tx: Transaction, work: RenderEstimate) -> Unprinted | None:
    """`None` once the document is kept."""
    row = (await tx.execute(_UNPRINTED, {"estimate_id": work.estimate_id})).one_or_none()
    if row is None:
        return None
    content = open_content(tx, work.estimate_id, row.sealed)
    return Unprinted(work.estimate_id, content, row.drafted_at)


@dataclass(frozen=True, slots=True)
class Kept:
    """An estimate's row, still sealed. `document` is missing until it is printed."""

    course_id: UUID
    number: str
    version: int
    reason: EstimateReason
    patient_id: UUID | None
    total_cents: int
    expires_on: date
    content_sha256: bytes
    sealed: bytes
    drafted_at: datetime
    document: bytes | None
    issued_at: datetime | None


async def find(tx: Transaction, estimate_id: UUID) -> Kept | None:
    row = (await tx.execute(_KEPT, {"estimate_id": estimate_id})).one_or_none()
    if row is None:
        return None
    return Kept(**dict(row._mapping) | {"reason": EstimateReason(row.reason)})  # noqa: SLF001  # SQLAlchemy's public name for it


def seal_content(tx: Transaction, estimate_id: UUID, content: bytes) -> bytes:
    return tx.vault.seal_bytes(content, table="estimates", column="sealed", row=estimate_id)


def open_content(tx: Transaction, estimate_id: UUID, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(sealed, table="estimates", column="sealed", row=estimate_id)


def seal_document(tx: Transaction, estimate_id: UUID, pdf: bytes) -> bytes:
    return tx.vault.seal_bytes(pdf, table="estimate_documents", column="sealed", row=estimate_id)


def open_document(tx: Transaction, estimate_id: UUID, sealed: bytes) -> bytes:
    return tx.vault.open_bytes(sealed, table="estimate_documents", column="sealed", row=estimate_id)


_ESTIMATES: Table = Estimate.__table__  # type: ignore[attr-defined]  # every table=True model has one
_DOCUMENTS: Table = EstimateDocument.__table__  # type: ignore[attr-defined]  # as above
_COURSES: Table = EstimateCourse.__table__  # type: ignore[attr-defined]  # as above

BY_DRAFT = (_ESTIMATES.c.drafted_at, _ESTIMATES.c.estimate_id)


def with_state(now: datetime) -> Select[Any]:
    """Estimates, each with its state on a day of its place.

    Superseded is one with a later issued version.
    """
    zone = func.coalesce(_COURSES.c.zone, CLINIC_ZONE.key)
    today = cast(func.timezone(zone, literal(now, TIMESTAMP(timezone=True))), DATE)
    later, printed = _ESTIMATES.alias("later"), _DOCUMENTS.alias("printed")
    is_superseded = exists().where(
        later.c.course_id == _ESTIMATES.c.course_id,
        later.c.version > _ESTIMATES.c.version,
        printed.c.estimate_id == later.c.estimate_id,
    )
    state = case(
        (_DOCUMENTS.c.estimate_id.is_(None), literal("drafted")),
        (is_superseded, literal("superseded")),
        (_ESTIMATES.c.expires_on < today, literal("expired")),
        else_=literal("issued"),
    )
    return (
        select(
            *(
                _ESTIMATES.c[name]
                for name in (
                    *("estimate_id", "course_id", "number", "version", "reason", "visit_type"),
                    *("total_cents", "expires_on", "drafted_at"),
                )
            ),
            func.cardinality(_ESTIMATES.c.fees_cents).label("visits"),
            _DOCUMENTS.c.issued_at,
            state.label("state"),
        )
        .join(_COURSES, _COURSES.c.course_id == _ESTIMATES.c.course_id)
        .outerjoin(_DOCUMENTS, _DOCUMENTS.c.estimate_id == _ESTIMATES.c.estimate_id)
    )


def of_patient(patient_id: UUID, now: datetime) -> Select[Any]:
    return with_state(now).where(_ESTIMATES.c.patient_id == patient_id)


async def state_of(tx: Transaction, estimate_id: UUID) -> str:
    rows = with_state(tx.now).where(_ESTIMATES.c.estimate_id == estimate_id)
    return str((await tx.execute(rows)).one().state)
