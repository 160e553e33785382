"""The clinic's code tables: what was in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from services.billing.rules.superbills.codebook import (
    CodeBook,
    DiagnosisCode,
    DrugCodes,
    Place,
    ServiceCode,
)
from services.billing.tables import (
    Base,
    BlockedCode,
    DrugCode,
    ExpectedCode,
    PlaceOfService,
    VisitTypeDrug,
)
from services.billing.tables import DiagnosisCode as DiagnosisRow
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

_DRUGS = text(
    """
    SELECT DISTINCT ON (lower(drug_name)) lower(drug_name) AS name, push_code, first_hour_code,
           further_hour_code, drug_code, compounded_code, is_compounded, words, place_of_service
      FROM drug_codes WHERE effective_from <= :day
     ORDER BY lower(drug_name), effective_from DESC, recorded_at DESC
    """
)

_DRUGS_OF_TYPES = text(
    """
    SELECT DISTINCT ON (visit_type) visit_type, drug_name
      FROM visit_type_drugs WHERE effective_from <= :day
     ORDER BY visit_type, effective_from DESC
    """
)

_BLOCKED = text(
    """
    SELECT code FROM
           (SELECT DISTINCT ON (code) code, is_blocked
              FROM blocked_codes WHERE effective_from <= :day
             ORDER BY code, effective_from DESC) AS b
     WHERE is_blocked
    """
)

_PLACES = text(
    """
    SELECT code, words, is_telehealth FROM
           (SELECT DISTINCT ON (code) code, words, is_telehealth, is_offered
              FROM places_of_service WHERE effective_from <= :day
             ORDER BY code, effective_from DESC) AS p
     WHERE is_offered
    """
)

_EXPECTED = text(
    """
    SELECT code FROM expected_codes
     WHERE visit_type = :visit_type AND effective_from <= :day
     ORDER BY effective_from DESC LIMIT 1
    """
)


async def code_book(tx: Transaction, day: date, diagnoses: Sequence[str]) -> CodeBook:
    """All codes of a day, but of the diagnoses only those that are asked about."""
    on = {"day": day}
    services = await tx.execute(_SERVICES, on)
    found = await tx.execute(_DIAGNOSES, on | {"codes": list(diagnoses)})
    drugs, types = await tx.execute(_DRUGS, on), await tx.execute(_DRUGS_OF_TYPES, on)
    blocked, places = await tx.execute(_BLOCKED, on), await tx.execute(_PLACES, on)
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
        drugs={
            row.name: DrugCodes(
                push=row.push_code,
                first_hour=row.first_hour_code,
                further_hour=row.further_hour_code,
                drug=row.drug_code,
                compounded_drug=row.compounded_code,
                is_compounded=row.is_compounded,
                words=row.words,
                place=row.place_of_service,
            )
            for row in drugs
        },
        drugs_of_types={row.visit_type: row.drug_name for row in types},
        blocked=frozenset(blocked.scalars()),
        places={row.code: Place(row.words, row.is_telehealth) for row in places},
    )


async def expected_code(tx: Transaction, visit_type: str, day: date) -> str | None:
    """What the clinic expects to code for a session of a type; nothing for an infusion."""
    asked = {"visit_type": visit_type, "day": day}
    found: str | None = (await tx.execute(_EXPECTED, asked)).scalar_one_or_none()
    return found


_DIAGNOSIS_CODES: Table = DiagnosisRow.__table__  # type: ignore[attr-defined]  # every table=True model has one
_SERVICE_CODES: Table = ServiceRow.__table__  # type: ignore[attr-defined]  # as above
_EXPECTED_CODES: Table = ExpectedCode.__table__  # type: ignore[attr-defined]  # as above
_DRUG_CODES: Table = DrugCode.__table__  # type: ignore[attr-defined]  # as above
_TYPE_DRUGS: Table = VisitTypeDrug.__table__  # type: ignore[attr-defined]  # as above
_BLOCKED_CODES: Table = BlockedCode.__table__  # type: ignore[attr-defined]  # as above
_PLACE_CODES: Table = PlaceOfService.__table__  # type: ignore[attr-defined]  # as above

BY_DIAGNOSIS = (_DIAGNOSIS_CODES.c.code,)
BY_SERVICE = (_SERVICE_CODES.c.code,)
BY_VISIT_TYPE = (_EXPECTED_CODES.c.visit_type,)
BY_DRUG = (_DRUG_CODES.c.drug_name,)
BY_TYPE = (_TYPE_DRUGS.c.visit_type,)
BY_BLOCKED = (_BLOCKED_CODES.c.code,)
BY_PLACE = (_PLACE_CODES.c.code,)


def diagnosis_codes(day: date) -> Select[Any]:
    """The diagnoses of the table as they were on a day."""
    return _in_force(_DIAGNOSIS_CODES, "code", day)


def service_codes(day: date) -> Select[Any]:
    """The service codes of the table as they were on a day."""
    return _in_force(_SERVICE_CODES, "code", day)


def expected_codes(day: date) -> Select[Any]:
    """What estimates expected of a day's sessions."""
    return _in_force(_EXPECTED_CODES, "visit_type", day)


def drug_codes(day: date) -> Select[Any]:
    """How infusions of each drug were coded on a day."""
    return _in_force(_DRUG_CODES, "drug_name", day)


def visit_type_drugs(day: date) -> Select[Any]:
    """Which drug each type of infusion gave on a day."""
    return _in_force(_TYPE_DRUGS, "visit_type", day)


def blocked_codes(day: date) -> Select[Any]:
    """The codes that were blocked on a day, or were no longer."""
    return _in_force(_BLOCKED_CODES, "code", day)


def places_of_service(day: date) -> Select[Any]:
    """Where the clinic saw people on a day, or no longer did."""
    return _in_force(_PLACE_CODES, "code", day)


def _in_force(table: Table, key: str, day: date) -> Select[Any]:
    other = table.alias("other")
    newest = (
        select(func.max(other.c.effective_from))
        .where(other.c[key] == table.c[key], other.c.effective_from <= day)
        .scalar_subquery()
    )
    return select(*table.c).where(table.c.effective_from == newest)


async def is_recorded(tx: Transaction, kind: type[Base], of: str, day: date) -> bool:
    """Whether a code, a drug or a visit type has a row from that very day on."""
    rows: Table = kind.__table__  # type: ignore[attr-defined]  # as above
    [key, _] = rows.primary_key.columns
    found = select(key).where(key == of, rows.c.effective_from == day)
    return (await tx.execute(found)).first() is not None
