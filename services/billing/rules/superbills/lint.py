"""What keeps a superbill from being issued: what a payer would reject, in plain words.

First the record is read, which must be whole before anything is built from it; then the document,
field by field, as a payer's own check reads a claim. The words name no patient and quote nothing,
so they may be shown wherever the work list is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from services.billing.rules.as_printed import is_shown, texts_in
from services.billing.rules.superbills import coding, words
from services.billing.rules.superbills.building import POINTERS_MAX, served_on
from services.billing.rules.superbills.codebook import (
    NDC_UNITS,
    SEPARATE_EVALUATION,
    CodeBook,
    is_diagnosis_code,
    is_evaluation,
    is_infusion,
    is_modifier,
    is_ndc,
    is_service_code,
)
from services.billing.rules.superbills.document import LETTERS, Line, Superbill
from services.billing.rules.superbills.wording import Standing, standing_of
from shared.claims import InfusionRecord
from shared.identifiers import is_ein, is_npi
from shared.refusals import Broken

DIAGNOSES_MAX = len(LETTERS)  # CMS-1500 item 21 holds A to L
MODIFIERS_MAX = 4  # CMS-1500 item 24D
DISCHARGED_WITHIN = timedelta(hours=4)
"""A patient is discharged, with the dose on record, within this of the drip's end. A house figure:
an hour or two of rest, and as much again. What is still open then has been forgotten."""

_SSN = re.compile(r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}")


def lint_record(record: InfusionRecord, book: CodeBook) -> list[Broken]:
    """What is missing or impossible in the record of an infusion, before anything is built."""
    return list(_wrong_record(record, book))


def lint(bill: Superbill, book: CodeBook, beside: Sequence[Line] = ()) -> list[Broken]:
    """What a payer would reject in a superbill, by the codes of its day.

    `beside` are the lines of the patient's other superbills of that day.
    """
    found = (
        *_wrong_names(bill),
        *_wrong_numbers(bill),
        *_wrong_supervisors(bill),
        *_wrong_diagnoses(bill, book),
        *_wrong_visits(bill),
        *(broken for line in bill.lines for broken in _wrong_line(line, bill, book)),
        *_wrong_company(bill, book),
        *_wrong_evaluations((*bill.lines, *beside)),
        *_wrong_sums(bill),
    )
    return list(dict.fromkeys(found))


def in_words(rules: Sequence[str]) -> list[Broken]:
    """What the names of broken rules stand for. A name may be older than the rules."""
    return [words.BY_RULE.get(rule) or _gone(rule) for rule in rules]


def _gone(rule: str) -> Broken:
    return Broken(
        rule,
        "This is no longer looked at: ask for the superbill again.",
        "a rule that held when the superbill was built",
    )


def _wrong_record(record: InfusionRecord, book: CodeBook) -> Iterator[Broken]:
    if record.stopped_at is None:
        yield words.NO_STOP_TIME
    elif coding.minutes_between(record.started_at, record.stopped_at) < 1:
        yield words.NO_MINUTE
    if book.of_infusion(record.visit_type, record.drug_name) is None:
        yield words.NOT_CODED
    if record.patient.birth_date > served_on(record):
        yield words.BORN_AFTER
    if len(record.diagnoses) > DIAGNOSES_MAX:
        yield words.TOO_MANY_DIAGNOSES


def _wrong_names(bill: Superbill) -> Iterator[Broken]:
    names = (
        bill.number,
        bill.entity.legal_name,
        bill.patient.name,
        *bill.entity.address[:1],
        *bill.patient.address[:1],
        *(
            part
            for visit in bill.visits
            for part in (visit.rendering.name, visit.rendering.credential, visit.signed)
        ),
    )
    if not all(name.strip() for name in names) or not bill.entity.address or not bill.visits:
        yield words.NAME_MISSING
    if not all(visit.rendering.license_number.strip() for visit in bill.visits):
        yield words.NO_LICENSE
    if not all(is_shown(text) for text in texts_in(bill)):
        yield words.NOT_SHOWN


def _wrong_numbers(bill: Superbill) -> Iterator[Broken]:
    if not all(is_npi(visit.rendering.npi) for visit in bill.visits):
        yield words.CLINICIAN_NPI
    if not is_npi(bill.entity.npi):
        yield words.CLINIC_NPI
    if _SSN.fullmatch(bill.entity.ein):
        yield words.CLINIC_SSN
    elif not is_ein(bill.entity.ein):
        yield words.CLINIC_EIN


def _wrong_supervisors(bill: Superbill) -> Iterator[Broken]:
    for one in {visit.rendering for visit in bill.visits}:
        if one.supervising is not None and one.supervising.npi == one.npi:
            yield words.SUPERVISES_ITSELF


def _wrong_diagnoses(bill: Superbill, book: CodeBook) -> Iterator[Broken]:
    codes = [one.code for one in bill.diagnoses]
    if not codes:
        yield words.NO_DIAGNOSIS
    if len(codes) > DIAGNOSES_MAX:
        yield words.TOO_MANY_DIAGNOSES
    if len(set(codes)) < len(codes):
        yield words.DIAGNOSIS_TWICE
    for code in codes:
        known = book.diagnoses.get(code)
        if not is_diagnosis_code(code):
            yield words.DIAGNOSIS_SHAPE
        elif known is None:
            yield words.DIAGNOSIS_UNKNOWN
        elif not known.is_billable:
            yield words.HEADING


def _wrong_visits(bill: Superbill) -> Iterator[Broken]:
    days = {visit.date_of_service for visit in bill.visits}
    visits = dict(enumerate(bill.visits, 1))
    if {line.visit_no for line in bill.lines} != visits.keys():
        yield words.VISIT_WITHOUT_LINE
    elif any(line.date_of_service != visits[line.visit_no].date_of_service for line in bill.lines):
        yield words.WRONG_DATE
    if any(day > bill.issued_on for day in days):
        yield words.NOT_YET
    if any(bill.patient.birth_date > day for day in days):
        yield words.BORN_AFTER


def _wrong_line(line: Line, bill: Superbill, book: CodeBook) -> Iterator[Broken]:
    yield from _wrong_code(line, book)
    if not all(is_modifier(one) for one in line.modifiers):
        yield words.MODIFIER_SHAPE
    if len(line.modifiers) > MODIFIERS_MAX:
        yield words.TOO_MANY_MODIFIERS
    if line.place_of_service not in book.places:
        yield words.PLACE_UNKNOWN
    if line.units < 1 or line.units != len(line.why):
        yield words.UNITS
    if line.charge_cents < 0:
        yield words.NEGATIVE
    yield from _wrong_pointers(line, bill)
    yield from _wrong_drug(line, book)


def _wrong_pointers(line: Line, bill: Superbill) -> Iterator[Broken]:
    if not line.pointers:
        yield words.NO_POINTER
    if len(line.pointers) > POINTERS_MAX:
        yield words.TOO_MANY_POINTERS
    if not {one.pointer for one in bill.diagnoses}.issuperset(line.pointers):
        yield words.POINTER_UNKNOWN


def _wrong_drug(line: Line, book: CodeBook) -> Iterator[Broken]:
    if book.is_drug(line.code) and line.drug is None:
        yield words.NO_DRUG
    if line.drug is None:
        return
    is_told = line.drug.name.strip() and line.drug.route.strip()
    if not (is_told and (line.drug.dose or line.drug.strength)):
        yield words.DRUG_DOSE
    if line.drug.ndc is not None:
        whole = is_ndc(line.drug.ndc) and line.drug.ndc_unit in NDC_UNITS and line.drug.ndc_quantity
        if not whole:
            yield words.NDC


def _wrong_code(line: Line, book: CodeBook) -> Iterator[Broken]:
    known = book.services.get(line.code)
    if not is_service_code(line.code):
        yield words.CODE_SHAPE
    elif line.code in book.blocked:
        yield words.CODE_BLOCKED
    elif known is None:
        yield words.CODE_UNKNOWN
    elif not known.is_billable:
        yield words.CODE_NOT_BILLABLE


def _wrong_company(bill: Superbill, book: CodeBook) -> Iterator[Broken]:
    """What codes of one day may not stand there together, alone, or so often."""
    for day in {line.date_of_service for line in bill.lines}:
        units = Counter[str]()
        for line in bill.lines:
            if line.date_of_service == day:
                units[line.code] += line.units
        for code, count in units.items():
            known = book.services.get(code)
            if known is None:
                continue
            if known.requires and not known.requires & units.keys():
                yield words.ADD_ON_ALONE
            if known.excludes & units.keys():
                yield words.CODES_EXCLUDE
            if known.units_max is not None and count > known.units_max:
                yield words.TOO_MANY_UNITS


def _wrong_evaluations(lines: Sequence[Line]) -> Iterator[Broken]:
    days = {line.date_of_service for line in lines if is_infusion(line.code)}
    for line in lines:
        is_beside = line.date_of_service in days and is_evaluation(line.code)
        if is_beside and SEPARATE_EVALUATION not in line.modifiers:
            yield words.SEPARATE_EVALUATION


def _wrong_sums(bill: Superbill) -> Iterator[Broken]:
    paid_cents = sum(one.amount_cents for one in bill.payments)
    refunded_cents = sum(one.amount_cents for one in bill.refunds)
    if sum(line.charge_cents for line in bill.lines) != bill.total_cents or bill.total_cents < 1:
        yield words.LINES_DO_NOT_SUM
    if (paid_cents, refunded_cents, paid_cents - refunded_cents) != (
        bill.paid_cents,
        bill.refunded_cents,
        bill.net_paid_cents,
    ) or not 0 <= refunded_cents <= paid_cents:
        yield words.PAYMENTS_DO_NOT_SUM
    owed_cents = bill.total_cents - bill.reduced_cents - (paid_cents - refunded_cents)
    may_be_owed = bill.replaces is not None and bill.standing is Standing.OWED
    is_wrong = bill.balance_cents != owed_cents or owed_cents < 0 or bill.reduced_cents < 0
    if sum(line.reduced_cents for line in bill.lines) != bill.reduced_cents:
        yield words.LINES_DO_NOT_SUM
    if bill.standing is not standing_of(
        balance_cents=bill.balance_cents,
        net_paid_cents=bill.net_paid_cents,
        reduced_cents=bill.reduced_cents,
    ):
        yield words.STANDING
    if is_wrong or (owed_cents > 0 and not may_be_owed):
        yield words.NOT_PAID
