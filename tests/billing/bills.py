"""Superbills as the rules build them by the codes that the clinic begins with; their documents."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from importlib import import_module
from typing import Any

import orjson
from pypdf import PdfReader

from services.billing.gateways.typesetting import Template, Typst
from services.billing.rules.superbills import document as rules
from services.billing.rules.superbills.building import build, served_on
from services.billing.rules.superbills.codebook import (
    CodeBook,
    DiagnosisCode,
    DrugCodes,
    Place,
    ServiceCode,
)
from services.billing.rules.superbills.document import Issue, Paid, Receipt, Superbill
from services.billing.rules.superbills.wording import ReceiptWords, Standing, Statement, Wording
from shared.claims import InfusionRecord
from shared.events.billing import TenderKind
from shared.ids import new_id
from tests.billing.records import STOPPED_AT, infusion_record

_BEGUN = import_module("services.billing.migrations.versions.0007_superbill_versions")
_WORDINGS = import_module("services.billing.migrations.versions.0023_superbill_wordings")
_RECEIPTS = import_module("services.billing.migrations.versions.0037_receipt_words")
_SESSIONS = import_module("services.billing.migrations.versions.0015_sessions")
_DRUGS = import_module("services.billing.migrations.versions.0029_drug_codes")


def code_book(day: date) -> CodeBook:
    """The codes that were in force on a day, of those that the clinic begins with."""

    def in_force(listed: str) -> list[list[str]]:
        rows = [row.split("|") for row in listed.strip().splitlines()]
        return sorted((row for row in rows if row[1] <= str(day)), key=lambda row: row[1])

    return CodeBook(
        services={
            code: ServiceCode(
                code,
                billable == "yes",
                words,
                frozenset(requires.split()),
                frozenset(excludes.split()),
                int(units_max) if units_max else None,
            )
            for code, _, billable, requires, excludes, units_max, words, _ in in_force(
                _BEGUN.SERVICES
            )
        }
        | {
            code: ServiceCode(code, True, words, units_max=1)
            for code, _, words, _ in in_force(_SESSIONS.CODES)
        },
        diagnoses={
            code: DiagnosisCode(code, billable == "yes", words)
            for code, _, billable, words in in_force(_BEGUN.DIAGNOSES)
        },
        drugs={
            name.lower(): DrugCodes(push, first, further, drug, compounded, False, words, place)
            for name, _, push, first, further, drug, compounded, words, place, _ in in_force(
                _DRUGS.DRUGS
            )
        },
        drugs_of_types={visit_type: drug for visit_type, _, drug, _ in in_force(_DRUGS.TYPES)},
        blocked=frozenset(code for code, *_ in in_force(_DRUGS.BLOCKED)),
        places={
            code: Place(words, telehealth == "yes")
            for code, _, telehealth, words, _ in in_force(_DRUGS.PLACES)
        },
    )


def wording() -> Wording:
    """The words that the clinic begins with."""
    statements = {Standing(name): Statement(**one) for name, one in _WORDINGS.WORDS.items()}
    receipt = ReceiptWords(**_RECEIPTS.RECEIPT)
    return Wording(1, statements, _WORDINGS.GATHERS, receipt, _RECEIPTS.CORRECTIONS)


def paid(**changes: Any) -> Paid:
    """One payment of the whole charge, by CareCredit. `refunds` give the fee up."""
    known = {"amount_cents": 39900, "tender": TenderKind.CARE_CREDIT, "reference": "CC-118834"}
    known |= {"at": STOPPED_AT} | changes
    refunds = known.pop("refunds", ())
    payment = Receipt(known["tender"], known["reference"], known["amount_cents"], known["at"])
    reduced_cents = sum(refund.amount_cents for refund in refunds)
    return Paid(new_id(), known["amount_cents"], (payment,), refunds, reduced_cents)


def superbill_of(record: InfusionRecord, payment: Paid | None = None, **issue: Any) -> Superbill:
    """The superbill of a record, paid by CareCredit unless said otherwise."""
    known = {"number": "SB-2026-000001", "issued_at": STOPPED_AT, "wording": wording()} | issue
    return build(record, payment or paid(), code_book(served_on(record)), Issue(**known))


def superbill(minutes: int, **changes: Any) -> Superbill:
    """The superbill of an infusion of so many minutes."""
    record = infusion_record(
        started_at=STOPPED_AT - timedelta(minutes=minutes), stopped_at=STOPPED_AT, **changes
    )
    return superbill_of(record, number=rules.number_of(2026, minutes))


async def printed(content: object, template: Template = Template.SUPERBILL) -> bytes:
    """The document of a superbill or a receipt, or of what its JSON was made into."""
    return await Typst().render(template, orjson.dumps(content), issued_at=STOPPED_AT)


_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\b[a-z]+_\w{16,}")


def words_but_ids(pdf: bytes) -> str:
    """Without ids and hashes, in which any few letters may stand by chance."""
    return _IDS.sub("", words_of(pdf))


def words_of(pdf: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages
    )
