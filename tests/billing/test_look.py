"""How documents look: no word on another, none off the page, and each says which version it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import pytest

from services.billing.gateways.typesetting import Template
from services.billing.rules.as_printed import is_shown
from services.billing.rules.books.statements import Addressee
from services.billing.rules.disputes.evidence import Evidence, Known, evidence_of
from services.billing.rules.estimates.items import Clinic, Estimate, Item, Person, Provider
from services.billing.rules.superbills.document import Issue, Receipt, Replaced, Superbill
from services.billing.rules.superbills.months import gather
from services.billing.rules.superbills.receipts import receipt_of
from shared.claims import Address, Attendance, DrugGiven, InfusionRecord
from shared.errors import Poison
from shared.events.billing import EstimateReason, TenderKind
from shared.ids import new_id
from tests.billing.bills import paid, printed, superbill, superbill_of, wording, words_of
from tests.billing.records import STOPPED_AT, infusion_record
from tests.billing.test_statements import statement

TODAY = date(2026, 11, 23)
TWELVE = (
    *("F33.2", "F43.12", "F41.1", "G89.4", "M79.7", "F31.81", "G54.6", "B02.29"),
    *("F32.A", "F42.9", "R45.851", "G90.50"),
)
PLACE = Address(
    line1="12345 North Saint Bartholomew Memorial Parkway, Building C",
    line2="c/o Testa Canary-Longname, Apartment 1407, Tower Two West",
    city="Winchester-on-the-Severn-River",
    state="VA",
    postal_code="22314-0000",
)
LINES = (PLACE.line1, str(PLACE.line2), f"{PLACE.city}, VA {PLACE.postal_code}")
CLINIC = "Made Up Ketamine and Integrative Wellness Clinic of N Va PLC"
CLINICIAN = "Dr. Testa Alexandrina Renderer-Montmorency-Hohenzollern III"
PATIENT = "Maximiliana Wilhelmina Testana Canary-Featherstonehaugh-Smyth"


def long_record(day: int = 23, minutes: int = 240) -> InfusionRecord:
    """Everything as long as scheduling takes it."""
    at = STOPPED_AT.replace(day=day)
    known = infusion_record(
        started_at=at - timedelta(minutes=minutes),
        stopped_at=at,
        diagnoses=TWELVE,
        drug=DrugGiven(
            name="Ketamine hydrochloride, racemic, in sodium chloride 0.9%",
            route="intravenous, slow drip",
            dose="35.5 mg",
            strength="50 mg/10 mL vial",
            ndc="12345-6789-01",
            ndc_unit="ML",
            ndc_quantity="3.55",
        ),
    )
    first, last = "Maximiliana Wilhelmina Testana", "Canary-Featherstonehaugh-Smyth"
    return known.model_copy(
        update={
            "patient": known.patient.model_copy(
                update={"first_name": first, "last_name": last, "address": PLACE}
            ),
            "location": known.location.model_copy(
                update={"legal_name": CLINIC, "address": PLACE, "name": "Alexandria Old Town"}
            ),
            "rendering": known.rendering.model_copy(
                update={"name": CLINICIAN, "credential": "DNP, CRNA, APRN, FNP-BC, NSPM"}
            ),
        }
    )


def month_of_twelve() -> Superbill:
    bills = [
        superbill_of(long_record(day), paid(at=STOPPED_AT.replace(day=day)), number=f"SB-{day}")
        for day in (2, 4, 5, 6, 9, 10, 12, 13, 16, 17, 18, 20)
    ]
    return gather(bills, "2026-11", Issue("SB-2026-000099", STOPPED_AT, wording()), TODAY)


def estimate(version: int = 2) -> Estimate:
    days = tuple(TODAY + timedelta(days=n) for n in range(40))
    names = (f"{CLINICIAN}, DNP, CRNA, APRN, FNP-BC, NSPM", CLINIC)
    return Estimate(
        number="GFE-2026-000001",
        version=version,
        replaces_version=version - 1 or None,
        reason=EstimateReason.FEES_CHANGED,
        issued_on=TODAY,
        expires_on=date(2027, 11, 23),
        clinic=Clinic(CLINIC, "(202) 555-0149", LINES),
        patient=Person(PATIENT, date(1979, 5, 17)),
        primary_service="Ketamine infusions for mood, given in a series",
        first_on=TODAY,
        diagnoses=TWELVE,
        providers=tuple(
            Provider(name, "Clinician", "1679576722", "54-1234567", "Alexandria", LINES)
            for name in names
        ),
        items=tuple(Item("A made-up service", "96366", 3, 40, days, 123456, 99) for _ in range(9)),
        currency="USD",
        total_cents=39900,
        separately=("A consultation before the first infusion, where one is needed.",),
        disclaimers=("This is a made-up disclaimer.",) * 5,
        wording_id=1,
    )


def evidence() -> Evidence:
    record = long_record()
    attended = Attendance(
        infusion_id=record.infusion_id,
        patient_id=record.patient_id,
        first_name=record.patient.first_name,
        last_name=record.patient.last_name,
        location=record.location,
        started_at=record.started_at,
        stopped_at=STOPPED_AT,
        consent_id=new_id(),
        consent_signed_at=STOPPED_AT,
    )
    known = Known(
        stripe_dispute_id="du_1MadeUp0123456789abcdefgh",
        opened_at=STOPPED_AT,
        disputed_cents=39900,
        payment_id=new_id(),
        paid_cents=39900,
        paid_at=STOPPED_AT,
        arrived_at=STOPPED_AT,
        left_at=STOPPED_AT,
        mandate=None,
        receipt_number="SB-2026-000001",
        receipt_issued_at=STOPPED_AT,
    )
    return evidence_of(known, attended, STOPPED_AT)


LONGEST: dict[str, tuple[Template, object]] = {
    "superbill": (Template.SUPERBILL, superbill_of(long_record())),
    "month": (Template.SUPERBILL, month_of_twelve()),
    "receipt": (Template.RECEIPT, receipt_of(superbill_of(long_record()), wording().receipt)),
    "estimate": (Template.ESTIMATE, estimate()),
    "statement": (
        Template.STATEMENT,
        replace(statement(), patient=Addressee(PATIENT, LINES)),
    ),
    "dispute": (Template.DISPUTE, evidence()),
}


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def stands_on(self, other: Word) -> bool:
        """By more than ascenders and descenders of neighbouring lines share."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide > 1 and high > 0.5 * min(self.bottom - self.top, other.bottom - other.top)


_PAGE = re.compile(r'<page width="([0-9.]+)" height="([0-9.]+)">(.*?)</page>', re.DOTALL)
_WORD = re.compile(
    r'<word xMin="([0-9.-]+)" yMin="([0-9.-]+)" xMax="([0-9.-]+)" yMax="([0-9.-]+)">([^<]*)<'
)


def pages_of(pdf: bytes, folder: Path) -> Iterator[tuple[float, float, list[Word]]]:
    """The width and height of each page, and its words where they stand, by poppler."""
    (folder / "document.pdf").write_bytes(pdf)
    found = subprocess.run(  # noqa: S603  # our own document
        ["pdftotext", "-bbox", str(folder / "document.pdf"), "-"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for width, height, body in _PAGE.findall(found):
        words = [Word(one[4], *map(float, one[:4])) for one in _WORD.findall(body)]
        yield float(width), float(height), words


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize("name", LONGEST)
async def test_no_word_of_a_document_stands_on_another_or_off_its_page(name: str, tmp_path: Path):
    template, content = LONGEST[name]
    for width, height, words in pages_of(await printed(content, template), tmp_path):
        assert words
        for word in words:
            assert 0 < word.left < word.right < width, word
            assert 0 < word.top < word.bottom < height, word
        for one, other in combinations(words, 2):
            assert not one.stands_on(other), (one, other)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize("name", ["month", "estimate"])
async def test_a_row_of_a_table_is_not_torn_over_two_pages(name: str, tmp_path: Path):
    """Each row has its code, in bold, on its first line: a page's table begins with one."""
    template, content = LONGEST[name]
    for _, _, words in pages_of(await printed(content, template), tmp_path):
        heads = [word for word in words if word.text == "CODE"]
        for head in heads:
            below = [word.top for word in words if word.top > head.bottom]
            first = [word.text for word in words if abs(word.top - min(below)) < 3]
            assert any(re.fullmatch("[A-Z]?[0-9]{4,5}|[A-Z][0-9.]+", text) for text in first), first


async def test_an_estimate_that_was_issued_anew_says_so_on_each_page_and_why():
    words = words_of(await printed(estimate(2), Template.ESTIMATE))
    assert "Version 2, issued 11/23/2026" in words
    assert "It takes the place of version 1: what a visit costs changed." in words
    assert "GFE-2026-000001, version 2" in words
    assert "version 1 ·" not in words
    first = words_of(await printed(estimate(1), Template.ESTIMATE))
    assert "GFE-2026-000001, version 1" in first
    assert "takes the place" not in first


async def test_only_what_has_versions_says_which_it_is():
    for name in ("statement", "dispute"):
        template, content = LONGEST[name]
        assert "version" not in words_of(await printed(content, template))


@pytest.mark.parametrize(
    ("refunded_cents", "is_to_be_used"), [(0, True), (10000, True), (39900, False)]
)
async def test_no_version_asks_to_be_used_that_is_not_to_be_handed_in(
    refunded_cents: int, *, is_to_be_used: bool
):
    given_back = Receipt(TenderKind.CARE_CREDIT, "CC-1", refunded_cents, STOPPED_AT)
    bill = superbill_of(
        infusion_record(),
        paid(refunds=(given_back,) if refunded_cents else ()),
        replaces=Replaced(1, TODAY, "A made-up reason."),
    )
    words = words_of(await printed(bill))
    assert ("Please use this one." in words) is is_to_be_used
    assert ("Please do not hand this version in" in words) is not is_to_be_used


async def test_a_month_is_signed_once_by_each_clinician_with_the_days():
    words = words_of(await printed(month_of_twelve()))
    assert words.count("Signature on file") == 1
    assert "11/18/2026, 11/20/2026." in words


async def test_a_bank_sees_the_clinics_phone_as_it_is_dialled():
    words = words_of(await printed(evidence(), Template.DISPUTE))
    assert "(202) 555-0149" in words


async def test_whoever_owes_nothing_is_told_so():
    assert "Nothing is owed" in words_of(await printed(statement(), Template.STATEMENT))


@pytest.mark.parametrize(
    "name", ["Łucja Nguyễn-Œuvré", "O\u2019Brien", "Ωμέγα Ωδή", "Тестова Ђорђе", "שלום", "№ 7 ½ ≥"]
)
async def test_what_a_document_is_said_to_show_it_shows(name: str):
    bill = superbill(40)
    assert is_shown(name)
    assert await printed(replace(bill, patient=replace(bill.patient, name=name)))


@pytest.mark.parametrize("name", ["测试", "テスト", "김철수", "ไทย", "نموذج", "Testa 😀"])
def test_letters_that_no_font_has_are_told_before_anything_is_printed(name: str):
    assert not is_shown(name)


async def test_letters_that_make_the_typesetter_give_up_are_parked_like_others():
    """Of what is printed without a lint, such as a statement: typst panics on these."""
    name = " ".join(map(chr, range(0x6C0, 0x6DE)))
    content = replace(statement(), patient=Addressee(name, LINES))
    with pytest.raises(Poison) as refused:
        await printed(content, Template.STATEMENT)
    assert refused.value.code == "statement_not_printable"


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
async def test_spaced_capitals_are_read_as_whole_words(tmp_path: Path):
    """Wider, and poppler reads a space before the last letter of `AMOUNT`."""
    pages = pages_of(await printed(superbill(91)), tmp_path)
    read = {word.text for _, _, words in pages for word in words}
    assert {"PAYMENTS", "AMOUNT", "UNITS", "PATIENT", "CLOCK", "(ICD-10-CM)"} <= read
