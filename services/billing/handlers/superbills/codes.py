"""The clinic's code tables: a code from a day on. Nothing that was in force is ever changed."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.listing import as_item
from services.billing.rules.estimates.items import broken_by_expecting
from services.billing.store import codes as store
from services.billing.tables import DiagnosisCode, ExpectedCode, ServiceCode
from shared.claims import PRINTABLE, Icd10
from shared.events.scheduling import TypeCode
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.written import told

ServiceCodeText = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^[0-9A-V][0-9]{3}[0-9FTU]$", "a code of CPT or HCPCS, such as 96365")
    ),
]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=PRINTABLE),
]
Company = Annotated[list[ServiceCodeText], Field(max_length=4)]


class NewDiagnosisCode(BaseModel):
    """An ICD-10-CM code as it is from a day on; not billable where it is or becomes a heading."""

    code: Icd10
    effective_from: Day
    is_billable: bool
    words: Words


class NewServiceCode(BaseModel):
    """A CPT or HCPCS code from a day on, with the clinic's own words: CPT's are the AMA's.

    `requires` names codes of which one must stand on the same day, `excludes` those that may not.
    """

    code: ServiceCodeText
    effective_from: Day
    is_billable: bool
    words: Words
    requires: Company = []
    excludes: Company = []
    units_max: Annotated[int, Field(strict=True, ge=1, le=999)] | None = None
    source: Words


class NewExpectedCode(BaseModel):
    """What estimates expect of a session of a type from a day on. A clinician bills their own."""

    visit_type: TypeCode
    effective_from: Day
    code: ServiceCodeText
    source: Words


async def record_diagnosis_code(
    wish: NewDiagnosisCode, tx: Transaction
) -> NewDiagnosisCode | Refused:
    """Add what a diagnosis is from a day on."""
    if await store.is_recorded(tx, DiagnosisCode, wish.code, wish.effective_from):
        return recorded_already()
    tx.insert(DiagnosisCode, **wish.model_dump(), recorded_at=tx.now)
    return wish


async def record_service_code(wish: NewServiceCode, tx: Transaction) -> NewServiceCode | Refused:
    """Add what a service's code is from a day on."""
    if await store.is_recorded(tx, ServiceCode, wish.code, wish.effective_from):
        return recorded_already()
    tx.insert(ServiceCode, **wish.model_dump(), recorded_at=tx.now)
    return wish


async def record_expected_code(wish: NewExpectedCode, tx: Transaction) -> NewExpectedCode | Refused:
    """Add which code is expected of sessions of a type from a day on."""
    book = await store.code_book(tx, wish.effective_from, ())
    if broken := broken_by_expecting(wish.visit_type, wish.code, book):
        return Refused.by_rules(broken)
    if await store.is_recorded(tx, ExpectedCode, wish.visit_type, wish.effective_from):
        return recorded_already()
    tx.insert(ExpectedCode, **wish.model_dump(), recorded_at=tx.now)
    return wish


async def list_diagnosis_codes(
    on: date, asked: Paging, tx: Transaction
) -> Page[NewDiagnosisCode] | Refused:
    rows = store.diagnosis_codes(on)
    return await page(tx, rows, by=store.BY_DIAGNOSIS, asked=asked, item=as_item(NewDiagnosisCode))


async def list_service_codes(
    on: date, asked: Paging, tx: Transaction
) -> Page[NewServiceCode] | Refused:
    rows = store.service_codes(on)
    return await page(tx, rows, by=store.BY_SERVICE, asked=asked, item=as_item(NewServiceCode))


async def list_expected_codes(
    on: date, asked: Paging, tx: Transaction
) -> Page[NewExpectedCode] | Refused:
    rows = store.expected_codes(on)
    return await page(tx, rows, by=store.BY_VISIT_TYPE, asked=asked, item=as_item(NewExpectedCode))


def recorded_already() -> Refused:
    """One row for each day: nothing that was in force is changed."""
    return Refused.because(
        "code_recorded",
        "There is a row from that day on, and superbills may rest on it. Give a later day.",
        field="effective_from",
        source="code tables are only added to",
    )
