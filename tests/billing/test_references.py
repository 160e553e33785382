"""References of receipts: the same one however it is typed, and never a name or a diagnosis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.payments.references import broken_by_reference, reference_as_kept
from tests.billing.conftest import Billing
from tests.billing.test_outside_payments import pay, waiting_charge


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        ("TILL-1", ["till 1", "till-1", "till1", "Till #1", " TILL_1 "]),
        ("CHECK-1043", ["check 1043", "check1043", "CHECK # 1043"]),
        ("CC-2291-A", ["CC-2291-A", "cc2291a", "CC 2291/A"]),
        ("MO-88812", ["MO 88812", "mo88812"]),
        ("WELLS-FARGO-1043", ["Wells Fargo 1043", "wells-fargo #1043"]),
        ("0A3F9C", ["0a3f9c", "0A3F-9C"]),
        ("10-43", ["10/43", "10 43"]),
        ("1043", ["1043"]),
    ],
)
def test_a_reference_is_the_same_however_it_is_typed(kept: str, typed: list[str]):
    assert {reference_as_kept(one) for one in typed} == {kept}
    assert [broken_by_reference(one) for one in typed] == [[]] * len(typed)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ./#_-]{2,63}", fullmatch=True))
def test_what_is_kept_is_kept_as_it_is(reference: str):
    kept = reference_as_kept(reference)
    assert reference_as_kept(kept) == kept
    assert reference_as_kept(f" {reference.lower()} ") == kept
    told = [character for character in reference.upper() if character.isalnum()]
    assert [character for character in kept if character != "-"] == told


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ("Jane Doe", "reference_without_number"),
        ("DOE-JANE", "reference_without_number"),
        ("cash", "reference_without_number"),
        ("Jane Doe F33.2", "reference_reads_like_diagnosis"),
        ("f33.2", "reference_reads_like_diagnosis"),
        ("Doe F33", "reference_reads_like_diagnosis"),
        ("doe g90.511", "reference_reads_like_diagnosis"),
        ("4242 4242 4242 4242", "reference_is_card_number"),
    ],
)
def test_a_name_or_a_diagnosis_is_no_reference(reference: str, rule: str):
    [broken] = broken_by_reference(reference)
    assert (broken.rule, broken.field) == (rule, "reference")
    assert not {"Jane", "Doe", "DOE", "4242"} & set(broken.detail.split())


@pytest.mark.parametrize(
    "reference", ["A12", "R-77", "T-9", "F1043", "CC-F12345", "V 12", "3.50.1", "B12-7", "Bank 17"]
)
def test_an_ordinary_reference_is_taken(reference: str):
    assert broken_by_reference(reference) == []


async def test_one_receipt_of_the_till_pays_once_and_a_name_never_does(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    part = {"tender": "cash", "amount_cents": 100}
    taken = await pay(billing, charge, **part, reference="till 1")
    assert taken.json()["reference"] == "TILL-1"
    for typed in ("till-1", "Till1"):
        again = await pay(billing, charge, **part, reference=typed)
        assert [one["rule"] for one in again.json()["violations"]] == ["reference_used"]
    named = await pay(billing, charge, **part, reference="Jane Doe F33.2")
    [violation] = named.json()["violations"]
    assert violation["rule"] == "reference_reads_like_diagnosis"
    assert "till 1" in violation["detail"]
    [kept] = await billing.rows("SELECT reference FROM payments")
    assert kept.reference == "TILL-1"
