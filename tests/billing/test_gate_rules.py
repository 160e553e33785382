"""What a charge must pass before it is posted, by the rules alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.charges import coverage, gates
from services.billing.rules.charges.coverage import (
    Coverage,
    CoverageKind,
    Given,
    MedicareStatus,
    Paper,
    PaperKind,
    Standing,
)
from services.billing.rules.charges.gates import MEDICAID, OVER_ESTIMATE, Decision, Gate, HeldState
from services.billing.rules.estimates.disputes import (
    Outcome,
    broken_by_closing,
    broken_by_opening,
)
from shared.events.billing import HeldFor
from shared.ids import new_id

DAY = date(2026, 11, 23)
SERIES, CLINICIAN = new_id(), new_id()
OPTED_OUT = Standing(MedicareStatus.OPTED_OUT, date(2026, 1, 1), date(2027, 12, 31))


def estimated(estimated_cents: int | None, charged_cents: int = 0) -> Gate:
    return Gate(
        series_id=SERIES,
        estimated_cents=estimated_cents,
        charged_cents=charged_cents,
        margin_cents=40000,
        series_goes_on=True,
    )


def covered(*kinds: CoverageKind) -> Gate:
    return Gate(coverage=Coverage(frozenset(kinds), intends_to_submit_claim=False))


def by(standing: Standing | None, *papers: Paper, on: date = DAY) -> Given:
    return Given(CLINICIAN, on, standing, papers)


def contract(signed_on: date, until_on: date | None = None) -> Paper:
    return Paper(PaperKind.PRIVATE_CONTRACT, CLINICIAN, signed_on, until_on)


@pytest.mark.parametrize(
    ("estimated_cents", "charged_cents", "amount_cents", "is_over"),
    [
        (39900, 0, 79899, False),
        (39900, 0, 79900, True),
        (239400, 239400, 39900, False),
        (239400, 239401 + 99, 39900, True),
        (None, 1_000_000, 39900, False),
    ],
)
def test_a_bill_may_be_disputed_from_400_dollars_above_the_estimate_on(
    estimated_cents: int | None, charged_cents: int, amount_cents: int, *, is_over: bool
):
    gate = estimated(estimated_cents, charged_cents)
    assert gate.is_over(amount_cents) == is_over
    assert gates.in_the_way(gate, amount_cents) == ([OVER_ESTIMATE] if is_over else [])


@given(
    estimate=st.integers(1, 500_000),
    amounts=st.lists(st.one_of(st.none(), st.integers(1, 100_000)), max_size=12),
)
def test_charges_that_come_together_pass_as_if_they_came_one_by_one(
    estimate: int, amounts: list[int | None]
):
    charged, one_by_one = 0, []
    for amount in amounts:
        passes = amount is not None and not estimated(estimate, charged).is_over(amount)
        one_by_one.append(passes)
        charged += amount if passes and amount is not None else 0
    together = gates.in_turn([estimated(estimate)] * len(amounts), amounts)
    assert [
        amount is not None and not gates.in_the_way(gate, amount)
        for gate, amount in zip(together, amounts, strict=True)
    ] == one_by_one
    assert charged - estimate < 40000


@pytest.mark.parametrize("kind", [CoverageKind.SELF_PAY, CoverageKind.COMMERCIAL])
def test_who_pays_alone_or_has_a_commercial_plan_is_charged(kind: CoverageKind):
    assert gates.in_the_way(covered(kind), 39900) == []


def test_who_was_never_asked_is_charged():
    assert gates.in_the_way(Gate(), 39900) == []


def test_whether_a_medicaid_member_pays_is_for_a_person_to_decide():
    gate = covered(CoverageKind.MEDICAID)
    assert gates.in_the_way(gate, 39900) == [MEDICAID]
    assert gates.in_the_way(gate, 39900, decision=Decision.NEW_ESTIMATE) == [MEDICAID]
    assert gates.in_the_way(gate, 39900, decision=Decision.APPROVE) == []


@pytest.mark.parametrize(
    ("given_by", "missing"),
    [
        (by(None), ["medicare_standing_missing"]),
        (by(OPTED_OUT), ["private_contract_missing"]),
        (by(OPTED_OUT, contract(DAY)), []),
        (by(OPTED_OUT, contract(DAY + timedelta(days=1))), ["private_contract_missing"]),
        (by(OPTED_OUT, contract(date(2025, 12, 31))), ["private_contract_missing"]),
        (
            by(OPTED_OUT, contract(date(2026, 2, 1), DAY - timedelta(days=1))),
            ["private_contract_missing"],
        ),
        (
            by(OPTED_OUT, Paper(PaperKind.PRIVATE_CONTRACT, new_id(), DAY, None)),
            ["private_contract_missing"],
        ),
        (
            by(OPTED_OUT, contract(date(2026, 2, 1)), on=date(2028, 1, 1)),
            ["medicare_standing_missing"],
        ),
        (
            by(Standing(MedicareStatus.PARTICIPATING, date(2020, 1, 1), None)),
            ["advance_notice_missing"],
        ),
        (
            by(
                Standing(MedicareStatus.PARTICIPATING, date(2020, 1, 1), None),
                Paper(PaperKind.ADVANCE_NOTICE, None, DAY, None),
            ),
            [],
        ),
        (
            by(OPTED_OUT, Paper(PaperKind.ADVANCE_NOTICE, None, DAY, None)),
            ["private_contract_missing"],
        ),
    ],
)
def test_a_beneficiary_pays_by_the_clinicians_standing_and_what_was_signed(
    given_by: Given, missing: list[str]
):
    gate = covered(CoverageKind.MEDICARE)
    for decision in (None, Decision.APPROVE):
        broken = gates.in_the_way(gate, 39900, decision=decision, given=given_by)
        assert [one.rule for one in broken] == missing


def test_until_scheduling_says_who_gave_it_no_person_is_asked():
    broken = gates.in_the_way(covered(CoverageKind.MEDICARE), 39900)
    assert not gates.waits_for_people(broken)
    assert gates.told_as([OVER_ESTIMATE, *broken]) == (HeldFor.OVER_ESTIMATE, HeldFor.COVERAGE)


def test_every_rule_that_holds_a_charge_can_be_told_in_words():
    rules = [
        OVER_ESTIMATE,
        MEDICAID,
        coverage.CLINICIAN_ASKED_FOR,
        coverage.NO_STANDING,
        coverage.NO_CONTRACT,
        coverage.NO_NOTICE,
    ]
    assert gates.in_words([one.rule for one in rules]) == rules


@pytest.mark.parametrize(
    ("decision", "charged_cents", "gate", "broken"),
    [
        (Decision.APPROVE, None, estimated(39900, 79800), []),
        (Decision.APPROVE, 100, estimated(39900, 79800), ["write_down_sum"]),
        (Decision.WRITE_DOWN, None, estimated(39900, 79800), ["write_down_sum"]),
        (Decision.WRITE_DOWN, 0, estimated(39900, 79800), []),
        (Decision.WRITE_DOWN, 99, estimated(39900, 79800), []),
        (Decision.WRITE_DOWN, 100, estimated(39900, 79800), ["still_over_estimate"]),
        (Decision.WRITE_DOWN, 39900, estimated(39900, 0), ["nothing_given_up"]),
        (Decision.NEW_ESTIMATE, None, estimated(39900, 79800), []),
        (Decision.NEW_ESTIMATE, None, estimated(39900, 0), ["nothing_to_estimate"]),
        (Decision.NEW_ESTIMATE, None, covered(CoverageKind.MEDICAID), ["nothing_to_estimate"]),
    ],
)
def test_a_decision_says_what_is_charged(
    decision: Decision, charged_cents: int | None, gate: Gate, broken: list[str]
):
    found = gates.broken_by_decision(HeldState.HELD, gate, 39900, decision, charged_cents)
    assert [one.rule for one in found] == broken


@pytest.mark.parametrize("state", [HeldState.POSTED, HeldState.WAIVED])
def test_a_held_charge_is_decided_once(state: HeldState):
    found = gates.broken_by_decision(state, estimated(39900), 39900, Decision.APPROVE, None)
    assert [one.rule for one in found] == ["held_charge_decided"]


@pytest.mark.parametrize(
    ("from_on", "last_on"),
    [
        (date(2026, 1, 1), date(2027, 12, 31)),
        (date(2024, 2, 29), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2028, 2, 29)),
    ],
)
def test_an_opt_out_lasts_two_years(from_on: date, last_on: date):
    def broken_until(until_on: date | None) -> list[str]:
        standing = Standing(MedicareStatus.OPTED_OUT, from_on, until_on)
        return [one.rule for one in coverage.broken_by_standing(standing, DAY)]

    assert broken_until(last_on) == []
    assert broken_until(last_on + timedelta(days=1)) == ["medicare_standing_days"]
    assert broken_until(None) == ["medicare_standing_days"]
    assert broken_until(from_on - timedelta(days=1)) == ["medicare_standing_days"]


def test_a_paper_is_signed_names_its_clinician_and_is_filed_once():
    def broken(paper: Paper, *, is_filed: bool = False) -> list[str]:
        return [one.rule for one in coverage.broken_by_paper(paper, DAY, is_filed=is_filed)]

    notice = Paper(PaperKind.ADVANCE_NOTICE, None, DAY, None)
    assert broken(contract(DAY)) == []
    assert broken(notice) == []
    assert broken(notice, is_filed=True) == ["document_filed_already"]
    assert broken(contract(DAY + timedelta(days=1))) == ["signed_in_future"]
    assert broken(contract(DAY, DAY - timedelta(days=1))) == ["paper_ends_before"]
    assert broken(Paper(PaperKind.PRIVATE_CONTRACT, None, DAY, None)) == [
        "contract_names_clinician"
    ]
    assert broken(Paper(PaperKind.ADVANCE_NOTICE, CLINICIAN, DAY, None)) == [
        "contract_names_clinician"
    ]


def test_answers_do_not_contradict_themselves_or_lie_far_ahead():
    def broken(kinds: set[CoverageKind], from_on: date = DAY) -> list[str]:
        return [one.rule for one in coverage.broken_by_answers(kinds, from_on, DAY)]

    assert broken({CoverageKind.MEDICARE, CoverageKind.MEDICAID}) == []
    assert broken({CoverageKind.SELF_PAY, CoverageKind.MEDICARE}) == ["self_pay_and_covered"]
    assert broken({CoverageKind.SELF_PAY}, DAY + timedelta(days=731)) == ["day_far_ahead"]


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, []),
        ({"is_issued": False}, ["estimate_not_issued"]),
        ({"is_patients": False}, ["estimate_not_issued"]),
        ({"is_open": True}, ["estimate_dispute_open"]),
        ({"begun_on": DAY + timedelta(days=1)}, ["dispute_days"]),
        ({"billed_on": DAY - timedelta(days=120)}, []),
        ({"billed_on": DAY - timedelta(days=121)}, ["dispute_too_late"]),
        ({"billed_on": DAY - timedelta(days=121), "reference": "PPDR-1"}, []),
    ],
)
def test_a_dispute_begins_within_120_days_of_the_bill(
    changes: dict[str, object], broken: list[str]
):
    known = {
        "is_issued": True,
        "is_patients": True,
        "is_open": False,
        "billed_on": DAY,
        "begun_on": DAY,
        "reference": None,
        "today": DAY,
    }
    found = broken_by_opening(**known | changes)  # type: ignore[arg-type]  # one case each
    assert [one.rule for one in found] == broken


@pytest.mark.parametrize(
    ("outcome", "owed_cents", "billed_cents", "broken"),
    [
        (Outcome.WITHDRAWN, None, 119700, []),
        (Outcome.FOR_CLINIC, None, 119700, []),
        (Outcome.FOR_CLINIC, 100, 119700, ["dispute_sum"]),
        (Outcome.SETTLED, None, 119700, ["dispute_sum"]),
        (Outcome.FOR_PATIENT, 79800, 119700, ["billed_above_outcome"]),
        (Outcome.FOR_PATIENT, 79800, 79800, []),
    ],
)
def test_a_dispute_that_names_a_sum_is_closed_once_no_more_is_billed(
    outcome: Outcome, owed_cents: int | None, billed_cents: int, broken: list[str]
):
    found = broken_by_closing(
        is_closed=False, outcome=outcome, owed_cents=owed_cents, billed_cents=billed_cents
    )
    assert [one.rule for one in found] == broken
