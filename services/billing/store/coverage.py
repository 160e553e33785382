"""What patients answered about coverage, clinicians' standing with Medicare, signed papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, null, select, text, union_all
from sqlmodel import col

from services.billing.rules.charges.coverage import (
    Coverage,
    CoverageKind,
    InsurancePlan,
    MedicareStatus,
    Paper,
    PaperKind,
    Standing,
)
from services.billing.tables import Charge, EstimateCourse, PatientCoverage
from shared.messaging import Transaction

_COVERAGE = text(
    """
    SELECT coverage_id, effective_from, sealed, recorded_at FROM patient_coverages
     WHERE patient_id = :patient_id AND effective_from <= :day
     ORDER BY effective_from DESC, recorded_at DESC, coverage_id DESC LIMIT 1
    """
)

_STANDING = text(
    """
    SELECT status, from_on, until_on FROM clinician_standings
     WHERE clinician_id = :clinician_id AND from_on <= :day
     ORDER BY from_on DESC, recorded_at DESC, standing_id DESC LIMIT 1
    """
)

_PAPERS = text(
    """
    SELECT document_id, kind, clinician_id, signed_on, until_on FROM coverage_papers
     WHERE patient_id = :patient_id ORDER BY signed_on, paper_id
    """
)

_FILED = text("SELECT EXISTS (SELECT FROM coverage_papers WHERE document_id = :document_id)")


def seal(tx: Transaction, coverage_id: UUID, coverage: Coverage) -> bytes:
    value = {
        "kinds": sorted(kind.value for kind in coverage.kinds),
        "intends_to_submit_claim": coverage.intends_to_submit_claim,
        "plan": coverage.plan and asdict(coverage.plan),
    }
    return tx.vault.seal(value, table="patient_coverages", column="sealed", row=coverage_id)


def unseal(tx: Transaction, coverage_id: UUID, sealed: bytes) -> Coverage:
    opened = tx.vault.open(sealed, table="patient_coverages", column="sealed", row=coverage_id)
    kinds = frozenset(map(CoverageKind, opened["kinds"]))
    plan = opened["plan"] and InsurancePlan(**opened["plan"])
    return Coverage(kinds, opened["intends_to_submit_claim"], plan)


async def row_on(tx: Transaction, patient_id: UUID, day: date) -> Row[tuple[Any, ...]] | None:
    """The answers that count on a day, still sealed; `None` when nobody had asked."""
    return (await tx.execute(_COVERAGE, {"patient_id": patient_id, "day": day})).one_or_none()


async def coverage_on(tx: Transaction, patient_id: UUID, day: date) -> Coverage | None:
    """What a patient's answer is for a day; `None` when nobody had asked."""
    row = await row_on(tx, patient_id, day)
    return None if row is None else unseal(tx, row.coverage_id, row.sealed)


async def standing_on(tx: Transaction, clinician_id: UUID, day: date) -> Standing | None:
    """How a clinician stood with Medicare on a day, as it was recorded last."""
    asked = {"clinician_id": clinician_id, "day": day}
    row = (await tx.execute(_STANDING, asked)).one_or_none()
    return row and Standing(MedicareStatus(row.status), row.from_on, row.until_on)


async def papers_of(tx: Transaction, patient_id: UUID) -> Sequence[Row[tuple[Any, ...]]]:
    """The papers that a patient signed, in the order of their days."""
    return (await tx.execute(_PAPERS, {"patient_id": patient_id})).all()


def as_paper(row: Row[tuple[Any, ...]]) -> Paper:
    return Paper(PaperKind(row.kind), row.clinician_id, row.signed_on, row.until_on)


async def is_filed(tx: Transaction, document_id: UUID) -> bool:
    return bool((await tx.execute(_FILED, {"document_id": document_id})).scalar_one())


_SEEN = union_all(
    select(col(EstimateCourse.patient_id), col(EstimateCourse.opened_at).label("at")).where(
        col(EstimateCourse.kind) == "series"
    ),
    select(col(Charge.patient_id), col(Charge.posted_at)),
).subquery()

_UNASKED = (
    select(_SEEN.c.patient_id, func.min(_SEEN.c.at).label("waits_since"))
    .where(
        ~select(null())
        .where(col(PatientCoverage.patient_id) == _SEEN.c.patient_id)
        .correlate(_SEEN)
        .exists()
    )
    .group_by(_SEEN.c.patient_id)
    .subquery()
)

BY_WAIT = (_UNASKED.c.waits_since, _UNASKED.c.patient_id)


def unasked() -> Select[Any]:
    """Patients who are booked or charged, and whom nobody has asked about coverage."""
    return select(*_UNASKED.c)
