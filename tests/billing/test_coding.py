"""From the clock of an infusion to codes, units, and why; the fee spread over them to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.superbills import coding, lint
from shared.claims import DrugGiven
from tests.billing.bills import code_book, paid, superbill, superbill_of
from tests.billing.records import infusion_record

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
KETAMINE = code_book(NOW.date()).drugs["ketamine, racemic"]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (1, [("96374", 1, 39900)]),
        (15, [("96374", 1, 39900)]),
        (16, [("96365", 1, 39900)]),
        (40, [("96365", 1, 39900)]),
        (90, [("96365", 1, 39900)]),
        (91, [("96365", 1, 19950), ("96366", 1, 19950)]),
        (150, [("96365", 1, 19950), ("96366", 1, 19950)]),
        (151, [("96365", 1, 13300), ("96366", 2, 26600)]),
        (210, [("96365", 1, 13300), ("96366", 2, 26600)]),
        (211, [("96365", 1, 9975), ("96366", 3, 29925)]),
        (240, [("96365", 1, 9975), ("96366", 3, 29925)]),
    ],
)
def test_the_clock_gives_the_codes(minutes: int, expected: list[tuple[str, int, int]]):
    lines = coding.code_infusion(minutes, 39900, KETAMINE)
    assert [(one.code, one.units, one.charge_cents) for one in lines] == [
        *expected,
        ("J3490", 1, 0),
    ]


@given(minutes=st.integers(1, 600), fee_cents=st.integers(1, 100_000_000))
def test_the_lines_always_sum_to_the_fee_and_no_line_owes(minutes: int, fee_cents: int):
    lines = coding.code_infusion(minutes, fee_cents, KETAMINE)
    assert sum(line.charge_cents for line in lines) == fee_cents
    assert all(line.charge_cents >= 0 and line.units >= 1 for line in lines)
    assert len({line.code for line in lines} & {"96365", "96374"}) == 1


def test_every_unit_has_a_line_that_says_which_minute_earned_it():
    [first, further, _] = coding.code_infusion(240, 39900, KETAMINE)
    assert first.why == ("240 minutes of drip: the first hour, up to 90 minutes.",)
    assert further.why == (
        "Hour 2: the drip reached minute 91, more than 30 minutes into it.",
        "Hour 3: the drip reached minute 151, more than 30 minutes into it.",
        "Hour 4: the drip reached minute 211, more than 30 minutes into it.",
    )
    [push, _] = coding.code_infusion(15, 39900, KETAMINE)
    assert push.why == ("15 minutes of drip: 15 minutes or less are a push.",)


def test_a_minute_that_is_not_completed_does_not_count():
    assert coding.minutes_between(NOW, NOW + timedelta(minutes=15, seconds=59)) == 15


@given(minutes=st.integers(1, 570), cents=st.integers(50, 1_000_000))
def test_a_superbill_adds_up(minutes: int, cents: int):
    record = infusion_record(started_at=NOW, stopped_at=NOW + timedelta(minutes=minutes))
    assert lint.lint_record(record, code_book(NOW.date())) == []
    bill = superbill_of(record, paid(amount_cents=cents), issued_at=NOW)
    assert lint.lint(bill, code_book(date(2026, 11, 23))) == []
    assert sum(line.charge_cents for line in bill.lines) == bill.total_cents == cents
    assert sum(payment.amount_cents for payment in bill.payments) == cents
    assert bill.balance_cents == 0


def test_dates_are_the_clinics_own():
    late = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # still 30 November in Alexandria
    record = infusion_record(started_at=late, stopped_at=late + timedelta(minutes=40))
    bill = superbill_of(record, paid(at=late), issued_at=late)
    assert bill.issued_on == date(2026, 11, 30)
    assert {line.date_of_service for line in bill.lines} == {date(2026, 11, 30)}
    assert bill.payments[0].paid_on == date(2026, 11, 30)


def test_a_line_points_at_the_first_four_of_up_to_twelve_diagnoses():
    bill = superbill(40, diagnoses=("F33.2", "F43.12", "F41.1", "G89.4", "M79.7", "G54.6"))
    assert "".join(diagnosis.pointer for diagnosis in bill.diagnoses) == "ABCDEF"
    assert bill.lines[0].pointers == ("A", "B", "C", "D")


def test_the_drug_line_says_what_is_on_record_of_the_drug():
    drug = DrugGiven(
        name="Ketamine, racemic",
        route="intravenous",
        dose_ug=35_500,
        strength="50 mg/mL",
        ndc="00000-0000-11",
        ndc_unit="ML",
        ndc_quantity="0.71",
    )
    line = superbill(40, drug=drug).lines[-1]
    assert (line.code, line.charge_cents) == ("J3490", 0)
    assert line.drug is not None
    assert (line.drug.dose, line.drug.ndc, line.drug.ndc_quantity) == (
        "35.5 mg",
        "00000-0000-11",
        "0.71",
    )


def test_the_drug_line_says_a_dose_in_the_unit_that_the_record_says_it_in():
    for dose, dose_ug in (("250 mL", None), ("4 g", 4_000_000), ("50000 IU", None)):
        drug = DrugGiven(name="Made up", route="intravenous", dose=dose, dose_ug=dose_ug)
        line = superbill(40, drug=drug).lines[-1]
        assert line.drug is not None
        assert line.drug.dose == dose


def test_a_compounded_drug_has_the_code_of_compounded_drugs():
    drug = DrugGiven(name="Ketamine, racemic", route="intravenous", dose_ug=1, is_compounded=True)
    assert [line.code for line in superbill(40, drug=drug).lines] == ["96365", "J7999"]


def test_a_drug_that_the_clinic_has_compounded_is_so_in_every_record():
    lines = coding.code_infusion(40, 39900, replace(KETAMINE, is_compounded=True))
    assert [line.code for line in lines] == ["96365", "J7999"]
