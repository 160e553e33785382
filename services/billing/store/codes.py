"""The clinic's code tables: what was in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from services.billing.rules.superbills.codebook import CodeBook, DiagnosisCode, ServiceCode
from services.billing.tables import DiagnosisCode as DiagnosisRow
from services.billing.tables import ExpectedCode
from services.billing.tables import ServiceCode as ServiceRow
from shared.messaging import Transaction

_SERVICES = text(
    """
    SELECT DISTINCT ON (code) code, is_billable, words, requires, excludes, units_max
      FROM service_codes WHERE effective_from <= :day
     ORDER BY code, effective_from DESC
    """
)

_DIAGNOSES = text(
    """
    SELECT DISTINCT ON (code) code, is_billable, words
      FROM diagnosis_codes WHERE effective_from <= :day AND code = ANY(:codes)
     ORDER BY code, effective_from DESC
    """
).bindparams(bindparam("codes", type_=ARRAY(TEXT)))


_EXPECTED = text(
    """
    SELECT code FROM expected_codes
     WHERE visit_type = :visit_type AND effective_from <= :day
     ORDER BY effective_from DESC LIMIT 1
    """
)


async def code_book(tx: Transaction, day: date, diagnoses: Sequence[str]) -> CodeBook:
    """The service codes of a day, and of the diagnoses those that are asked about."""
    services = await tx.execute(_SERVICES, {"day": day})
    found = await tx.execute(_DIAGNOSES, {"day": day, "codes": list(diagnoses)})
    return CodeBook(
        services={
            row.code: ServiceCode(
                code=row.code,
                is_billable=row.is_billable,
                words=row.words,
                requires=frozenset(row.requires),
                excludes=frozenset(row.excludes),
                units_max=row.units_max,
            )
            for row in services
        },
        diagnoses={row.code: DiagnosisCode(row.code, row.is_billable, row.words) for row in found},
    )


async def expected_code(tx: Transaction, visit_type: str, day: date) -> str | None:
    """What the clinic expects to code for a session of a type; nothing for an infusion."""
    asked = {"visit_type": visit_type, "day": day}
    found: str | None = (await tx.execute(_EXPECTED, asked)).scalar_one_or_none()
    return found


_DIAGNOSIS_CODES: Table = DiagnosisRow.__table__  # type: ignore[attr-defined]  # every table=True model has one
_SERVICE_CODES: Table = ServiceRow.__table__  # type: ignore[attr-defined]  # as above
_EXPECTED_CODES: Table = ExpectedCode.__table__  # type: ignore[attr-defined]  # as above

BY_DIAGNOSIS = (_DIAGNOSIS_CODES.c.code,)
BY_SERVICE = (_SERVICE_CODES.c.code,)
BY_VISIT_TYPE = (_EXPECTED_CODES.c.visit_type,)


def diagnosis_codes(day: date) -> Select[Any]:
    """The diagnoses of the table as they were on a day."""
    return _in_force(_DIAGNOSIS_CODES, "code", day)


def service_codes(day: date) -> Select[Any]:
    """The service codes of the table as they were on a day."""
    return _in_force(_SERVICE_CODES, "code", day)


def expected_codes(day: date) -> Select[Any]:
    """What estimates expected of a day's sessions."""
    return _in_force(_EXPECTED_CODES, "visit_type", day)


def _in_force(table: Table, key: str, day: date) -> Select[Any]:
    other = table.alias("other")
    newest = (
        select(func.max(other.c.effective_from))
        .where(other.c[key] == table.c[key], other.c.effective_from <= day)
        .scalar_subquery()
    )
    return select(*table.c).where(table.c.effective_from == newest)


async def is_recorded(
    tx: Transaction, kind: type[DiagnosisRow | ServiceRow | ExpectedCode], of: str, day: date
) -> bool:
    """Whether a code, or what is expected of a visit type, has a row from that very day on."""
    rows: Table = kind.__table__  # type: ignore[union-attr]  # as above
    [key, _] = rows.primary_key.columns
    found = select(key).where(key == of, rows.c.effective_from == day)
    return (await tx.execute(found)).first() is not None
