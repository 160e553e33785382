"""How infusions are coded, which codes are blocked, and where people are seen: from a day on.

The clinic records it. Nothing that was in force is ever changed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, StringConstraints

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.listing import as_item
from services.billing.handlers.superbills.codes import (
    ServiceCodeText,
    Words,
    recorded_already,
)
from services.billing.rules.superbills.codebook import DrugCodes
from services.billing.rules.superbills.drug_codes import broken_by_coding, broken_by_giving
from services.billing.store import codes as store
from services.billing.tables import BlockedCode, DrugCode, PlaceOfService, VisitTypeDrug
from shared.claims import Line
from shared.events.scheduling import TypeCode
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.written import told

PlaceCode = Annotated[str, StringConstraints(pattern=told(r"^[0-9]{2}$", "two digits, such as 11"))]


class NewDrugCode(BaseModel):
    """How infusions of a drug are coded from a day on, by its name in scheduling's catalogue.

    `is_compounded` where the clinic has it compounded. `words` explain the drug's line.
    """

    drug_name: Line
    effective_from: Day
    push_code: ServiceCodeText
    first_hour_code: ServiceCodeText
    further_hour_code: ServiceCodeText
    drug_code: ServiceCodeText
    compounded_code: ServiceCodeText
    is_compounded: bool = False
    words: Words
    place_of_service: PlaceCode
    source: Words


class NewVisitTypeDrug(BaseModel):
    """Which drug infusions of a type give from a day on, where no record names it."""

    visit_type: TypeCode
    effective_from: Day
    drug_name: Line
    source: Words


class NewBlockedCode(BaseModel):
    """A code that no superbill may have from a day on, or may have again; `words` say why."""

    code: ServiceCodeText
    effective_from: Day
    is_blocked: bool
    words: Words
    source: Words


class NewPlaceOfService(BaseModel):
    """CMS's code of a place where the clinic sees people from a day on, or no longer does."""

    code: PlaceCode
    effective_from: Day
    is_offered: bool
    is_telehealth: bool
    words: Words
    source: Words


W = TypeVar("W", NewDrugCode, NewVisitTypeDrug, NewBlockedCode, NewPlaceOfService)


async def record_drug_code(wish: NewDrugCode, tx: Transaction) -> NewDrugCode | Refused:
    """Add how a drug is coded. What waits for it is asked for again by a person."""
    coded = DrugCodes(
        push=wish.push_code,
        first_hour=wish.first_hour_code,
        further_hour=wish.further_hour_code,
        drug=wish.drug_code,
        compounded_drug=wish.compounded_code,
        is_compounded=wish.is_compounded,
        words=wish.words,
        place=wish.place_of_service,
    )
    book = await store.code_book(tx, wish.effective_from, ())
    if broken := broken_by_coding(coded, book):
        return Refused.by_rules(broken)
    return await _record(wish, DrugCode, wish.drug_name, tx)


async def record_visit_type_drug(
    wish: NewVisitTypeDrug, tx: Transaction
) -> NewVisitTypeDrug | Refused:
    """Add which drug infusions of a type give."""
    book = await store.code_book(tx, wish.effective_from, ())
    if broken := broken_by_giving(wish.drug_name, book):
        return Refused.by_rules(broken)
    return await _record(wish, VisitTypeDrug, wish.visit_type, tx)


async def record_blocked_code(wish: NewBlockedCode, tx: Transaction) -> NewBlockedCode | Refused:
    """Add that a code is blocked from a day on, or no longer is."""
    return await _record(wish, BlockedCode, wish.code, tx)


async def record_place_of_service(
    wish: NewPlaceOfService, tx: Transaction
) -> NewPlaceOfService | Refused:
    """Add where people are seen from a day on, or no longer are."""
    return await _record(wish, PlaceOfService, wish.code, tx)


async def _record(
    wish: W,
    kind: type[BlockedCode | DrugCode | PlaceOfService | VisitTypeDrug],
    of: str,
    tx: Transaction,
) -> W | Refused:
    if await store.is_recorded(tx, kind, of, wish.effective_from):
        return recorded_already()
    tx.insert(kind, **wish.model_dump(), recorded_at=tx.now)
    return wish


async def list_drug_codes(on: date, asked: Paging, tx: Transaction) -> Page[NewDrugCode] | Refused:
    rows = store.drug_codes(on)
    return await page(tx, rows, by=store.BY_DRUG, asked=asked, item=as_item(NewDrugCode))


async def list_visit_type_drugs(
    on: date, asked: Paging, tx: Transaction
) -> Page[NewVisitTypeDrug] | Refused:
    rows = store.visit_type_drugs(on)
    return await page(tx, rows, by=store.BY_TYPE, asked=asked, item=as_item(NewVisitTypeDrug))


async def list_blocked_codes(
    on: date, asked: Paging, tx: Transaction
) -> Page[NewBlockedCode] | Refused:
    rows = store.blocked_codes(on)
    return await page(tx, rows, by=store.BY_BLOCKED, asked=asked, item=as_item(NewBlockedCode))


async def list_places_of_service(
    on: date, asked: Paging, tx: Transaction
) -> Page[NewPlaceOfService] | Refused:
    rows = store.places_of_service(on)
    return await page(tx, rows, by=store.BY_PLACE, asked=asked, item=as_item(NewPlaceOfService))
