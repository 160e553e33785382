"""What a payer would reject is caught before a superbill is issued, and said in plain words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.billing.rules.superbills import lint, words
from services.billing.rules.superbills.additions import NamedProvider
from services.billing.rules.superbills.codebook import ServiceCode
from services.billing.rules.superbills.document import Line, Receipt, Superbill
from services.billing.rules.superbills.sessions import Documented, lint_session
from services.billing.rules.superbills.wording import Standing
from shared.claims import ConsultRecord
from shared.events.billing import TenderKind
from shared.ids import new_id
from tests.billing.bills import code_book, paid, superbill, superbill_of
from tests.billing.records import STOPPED_AT, infusion_record

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def found_in(bill: Superbill, day: date = TODAY) -> list[str]:
    return [one.rule for one in lint.lint(bill, code_book(day))]


def first_line(bill: Superbill, **changes: Any) -> Superbill:
    return replace(bill, lines=(replace(bill.lines[0], **changes), *bill.lines[1:]))


def entity(bill: Superbill, **changes: Any) -> Superbill:
    return replace(bill, entity=replace(bill.entity, **changes))


def visit(bill: Superbill, **changes: Any) -> Superbill:
    return replace(bill, visits=(replace(bill.visits[0], **changes),))


def rendering(bill: Superbill, **changes: Any) -> Superbill:
    return visit(bill, rendering=replace(bill.visits[0].rendering, **changes))


def diagnosed(bill: Superbill, code: str) -> Superbill:
    return replace(bill, diagnoses=(replace(bill.diagnoses[0], code=code), *bill.diagnoses[1:]))


def drug(bill: Superbill, **changes: Any) -> Superbill:
    line: Line = bill.lines[-1]
    assert line.drug is not None
    return replace(
        bill, lines=(*bill.lines[:-1], replace(line, drug=replace(line.drug, **changes)))
    )


def further(bill: Superbill, code: str) -> Superbill:
    """With a line of another code beside the first."""
    return replace(bill, lines=(*bill.lines, replace(bill.lines[0], code=code, charge_cents=0)))


@pytest.mark.parametrize("minutes", [1, 15, 16, 90, 91, 240, 570])
def test_nothing_is_found_in_what_the_clinic_builds(minutes: int):
    assert found_in(superbill(minutes)) == []


PLANTED = {
    "clinician_npi": lambda bill: rendering(bill, npi="1234567890"),
    "clinic_npi": lambda bill: entity(bill, npi="3234567893"),
    "clinic_ein": lambda bill: entity(bill, ein="07-1234567"),
    "clinic_ein_is_ssn": lambda bill: entity(bill, ein="900-12-3456"),
    "name_missing": lambda bill: replace(bill, patient=replace(bill.patient, name=" ")),
    "letters_not_shown": lambda bill: replace(bill, patient=replace(bill.patient, name="测试")),
    "license_missing": lambda bill: rendering(bill, license_number=""),
    "supervises_itself": lambda bill: rendering(
        bill, supervising=NamedProvider("Testa Renderer", bill.visits[0].rendering.npi)
    ),
    "diagnosis_missing": lambda bill: replace(
        bill, diagnoses=(), lines=tuple(replace(line, pointers=("A",)) for line in bill.lines)
    ),
    "diagnosis_shape": lambda bill: diagnosed(bill, "33.2"),
    "diagnosis_unknown": lambda bill: diagnosed(bill, "Z99.99"),
    "diagnosis_not_billable": lambda bill: diagnosed(bill, "F42"),
    "diagnosis_twice": lambda bill: diagnosed(bill, "F43.12"),
    "birth_date_after_service": lambda bill: replace(
        bill, patient=replace(bill.patient, birth_date=date(2026, 11, 24))
    ),
    "date_of_service": lambda bill: first_line(bill, date_of_service=date(2026, 11, 22)),
    "service_in_the_future": lambda bill: replace(bill, issued_on=date(2026, 11, 22)),
    "code_shape": lambda bill: first_line(bill, code="KET-1"),
    "code_unknown": lambda bill: first_line(bill, code="99999"),
    "code_not_billable": lambda bill: further(bill, "J2001"),
    "modifier_shape": lambda bill: first_line(bill, modifiers=("2",)),
    "too_many_modifiers": lambda bill: first_line(bill, modifiers=("25", "59", "GA", "GY", "GZ")),
    "place_of_service": lambda bill: first_line(bill, place_of_service="99"),
    "pointer_missing": lambda bill: first_line(bill, pointers=()),
    "pointer_unknown": lambda bill: first_line(bill, pointers=("C",)),
    "too_many_pointers": lambda bill: first_line(bill, pointers=("A", "B", "A", "B", "A")),
    "units": lambda bill: first_line(bill, units=0),
    "charge_negative": lambda bill: first_line(bill, charge_cents=-1),
    "drug_missing": lambda bill: replace(
        bill, lines=(*bill.lines[:-1], replace(bill.lines[-1], drug=None))
    ),
    "ndc": lambda bill: drug(bill, ndc="0000-0000-11", ndc_unit="ML", ndc_quantity="1"),
    "add_on_without_primary": lambda bill: first_line(bill, code="96366"),
    "codes_exclude_each_other": lambda bill: further(bill, "96374"),
    "too_many_units": lambda bill: first_line(bill, units=2, why=("one", "two")),
    "lines_do_not_sum": lambda bill: first_line(bill, charge_cents=39800),
    "payments_do_not_sum": lambda bill: replace(bill, paid_cents=39800),
    "visit_without_line": lambda bill: first_line(bill, visit_no=2),
    "standing": lambda bill: replace(bill, standing=Standing.REFUNDED),
    "drug_dose": lambda bill: drug(bill, dose=None),
    "separate_evaluation": lambda bill: further(bill, "99214"),
    "not_paid": lambda bill: replace(bill, balance_cents=100, standing=Standing.OWED),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_an_error_that_was_planted_is_found(rule: str):
    found = found_in(PLANTED[rule](superbill(40)))
    assert rule in found
    assert {*found} <= {rule, "lines_do_not_sum", "pointer_unknown"}


@pytest.mark.parametrize("code", ["G2082", "G2083", "S0013"])
def test_the_codes_of_spravato_never_stand_for_racemic_ketamine(code: str):
    assert found_in(further(superbill(40), code)) == ["code_blocked"]


def test_the_codes_of_spravato_stay_blocked_whatever_the_table_says():
    book = code_book(TODAY)
    services = {**book.services, "G2082": ServiceCode("G2082", True, "made up")}
    bill = further(superbill(40), "G2082")
    found = lint.lint(bill, replace(book, services=services))
    assert [one.rule for one in found] == ["code_blocked"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"stopped_at": None, "started_at": NOW}, "stop_time_missing"),
        ({"stopped_at": NOW, "started_at": NOW}, "infusion_clock"),
        ({"stopped_at": NOW, "started_at": NOW + timedelta(minutes=5)}, "infusion_clock"),
        ({"visit_type": "lidocaine", "drug_name": "Lidocaine"}, "service_not_coded"),
        ({"visit_type": "low_level_laser"}, "service_not_coded"),
        ({"birth_date": date(2026, 11, 25)}, "birth_date_after_service"),
        ({"diagnoses": ("F33.2",) * 13}, "too_many_diagnoses"),
    ],
)
def test_a_record_that_cannot_be_coded_is_refused_before_anything_is_built(
    changes: dict[str, Any], rule: str
):
    [broken] = lint.lint_record(infusion_record(**changes), code_book(TODAY))
    assert broken.rule == rule


def test_a_maintenance_infusion_is_coded_as_any_infusion_of_ketamine():
    record = infusion_record(visit_type="ketamine_maintenance", drug_name="Ketamine, racemic")
    assert lint.lint_record(record, code_book(TODAY)) == []


def test_a_drip_of_twelve_hours_is_more_than_a_payer_takes_in_a_day():
    assert found_in(superbill(570)) == []
    assert found_in(superbill(571)) == ["too_many_units"]


@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("F43.8", date(2022, 9, 30), []),
        ("F43.8", date(2022, 10, 1), ["diagnosis_not_billable"]),
        ("F43.81", date(2022, 9, 30), ["diagnosis_unknown"]),
        ("F43.81", date(2022, 10, 1), []),
        ("F32.A", date(2021, 9, 30), ["diagnosis_unknown"]),
        ("G90.51", TODAY, ["diagnosis_not_billable"]),
    ],
)
def test_a_diagnosis_is_read_in_the_fiscal_year_of_the_visit(
    code: str, day: date, expected: list[str]
):
    stopped_at = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
    record = infusion_record(diagnoses=(code,), stopped_at=stopped_at)
    bill = superbill_of(record, paid(at=stopped_at), issued_at=stopped_at)
    assert found_in(bill, day) == expected


def test_a_refund_leaves_nothing_owed_and_never_exceeds_what_was_paid():
    def refunded(cents: int) -> Superbill:
        refund = Receipt(TenderKind.CARE_CREDIT, "CC-118834", cents, STOPPED_AT)
        return superbill_of(infusion_record(), paid(refunds=(refund,)))

    partly = refunded(10000)
    assert (partly.paid_cents, partly.refunded_cents, partly.net_paid_cents) == (
        39900,
        10000,
        29900,
    )
    assert partly.balance_cents == 0
    assert found_in(partly) == []
    assert found_in(refunded(39900)) == []
    assert found_in(refunded(39901)) == ["payments_do_not_sum"]


def test_a_session_needs_its_clock_and_the_code_that_was_documented():
    visit = infusion_record()

    def session(minutes: int) -> ConsultRecord:
        return ConsultRecord(
            appointment_id=new_id(),
            started_at=STOPPED_AT - timedelta(minutes=minutes),
            ended_at=STOPPED_AT,
            **{
                name: getattr(visit, name)
                for name in ("patient", "rendering", "location", "visit_type", "diagnoses")
            },
        )

    documented = Documented("99204", (), "11")
    found = {
        (minutes, told): [one.rule for one in lint_session(session(minutes), told)]
        for minutes in (0, 50)
        for told in (None, documented)
    }
    assert found == {
        (0, None): ["session_code_missing", "session_clock"],
        (0, documented): ["session_clock"],
        (50, None): ["session_code_missing"],
        (50, documented): [],
    }


@pytest.mark.parametrize("rule", words.BY_RULE)
def test_what_is_found_is_said_in_words_that_name_no_patient(rule: str):
    [broken] = lint.in_words([rule])
    assert broken.rule == rule
    assert broken.source
    assert broken.detail.endswith(".")
    assert not any(mark in broken.detail for mark in ("Canary", "1979", "1234567890"))


def test_every_rule_has_its_planted_error():
    of_records = {"stop_time_missing", "infusion_clock", "too_many_diagnoses", "service_not_coded"}
    of_sessions = {"session_code_missing", "session_clock"}
    assert set(words.BY_RULE) == {*PLANTED, *of_records, *of_sessions, "code_blocked"}
