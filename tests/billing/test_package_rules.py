"""What a unit of a package costs, which one is used next, and which go back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.packages import offers
from services.billing.rules.packages.offers import MOST_UNITS, Offer, PurchaseState, PurchaseStep
from services.billing.rules.packages.units import (
    Unit,
    Wants,
    in_turn,
    refundable_cents,
    unit_cents,
    units_that_go_back,
)
from services.billing.rules.payments.refunds import Refundable, broken_by_refund
from shared.events.billing import RefundReason, TenderKind
from shared.ids import new_id

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def units_of(price_cents: int, units: int) -> list[Unit]:
    purchase_id = new_id()
    return [
        Unit(purchase_id, number, unit_cents(price_cents, units, number))
        for number in range(1, units + 1)
    ]


def test_the_last_unit_has_the_cents_that_do_not_divide():
    assert [unit.value_cents for unit in units_of(209999, 6)] == [34999] * 5 + [35004]
    assert [unit.value_cents for unit in units_of(210000, 6)] == [35000] * 6


@given(st.integers(2, MOST_UNITS).flatmap(lambda n: st.tuples(st.integers(n, 10**7), st.just(n))))
def test_units_sum_to_the_price_and_each_costs_something(package: tuple[int, int]):
    price_cents, count = package
    units = units_of(price_cents, count)
    values = [unit.value_cents for unit in units]
    assert sum(values) == price_cents
    assert min(values) > 0
    assert max(values) - min(values) < count
    assert refundable_cents(units)[-1] == price_cents


@given(st.sets(st.integers(1, 6)), st.integers(6, 10**6), st.data())
def test_what_goes_back_and_what_was_used_make_the_price(
    used: set[int], price_cents: int, data: st.DataObject
):
    units = units_of(price_cents, 6)
    free = [unit for unit in units if unit.number not in used]
    if not free:
        assert refundable_cents(free) == ()
        return
    cents = data.draw(st.sampled_from(refundable_cents(free)))
    back = units_that_go_back(free, cents)
    kept = [unit for unit in free if unit not in back]
    assert sum(unit.value_cents for unit in back) == cents
    assert all(one.number < other.number for one in kept for other in back)


def test_each_service_has_the_next_unit_of_its_patient_and_kind():
    patient, other = new_id(), new_id()
    first, second, third = units_of(3000, 3)
    mood, pain = Wants(patient, "ketamine_mood"), Wants(patient, "ketamine_pain")
    of_other = Wants(other, "ketamine_mood")
    free = [(mood, first), (mood, second), (of_other, third)]

    assert in_turn(free, [mood, None, pain, mood, of_other, mood]) == [
        first,
        None,
        None,
        second,
        third,
        None,
    ]


def test_a_purchase_goes_one_way_but_for_money_that_came_after_all():
    paid, declined = PurchaseState.PAID, PurchaseState.DECLINED
    assert offers.step(PurchaseState.PENDING, paid) is PurchaseStep.TAKE
    assert offers.step(PurchaseState.PENDING, declined) is PurchaseStep.TAKE
    assert offers.step(declined, paid) is PurchaseStep.TAKE
    assert offers.step(declined, declined) is PurchaseStep.CHANGES_NOTHING
    for state in (paid, PurchaseState.CHARGED_BACK):
        assert offers.step(state, paid) is PurchaseStep.CHANGES_NOTHING
        assert offers.step(state, declined) is PurchaseStep.CHANGES_NOTHING


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, []),
        ({"price_cents": 239400}, []),
        ({"price_cents": 239401}, ["dearer_than_visits"]),
        ({"price_cents": 5}, ["less_than_a_cent"]),
        ({"single_cents": None}, ["no_fee_for_visit_type"]),
        ({"effective_from": date(2029, 1, 1)}, ["package_far_ahead"]),
    ],
)
def test_an_offer_that_does_not_fit_is_refused(changes: dict[str, Any], rules: list[str]):
    offer: dict[str, Any] = {
        "units": 6,
        "price_cents": 210000,
        "single_cents": 39900,
        "effective_from": date(2026, 1, 1),
        "now": NOW,
    }
    broken = offers.broken_by_offer(**offer | changes)
    assert [one.rule for one in broken] == rules
    assert all(one.source and one.field for one in broken)


def offer(**changes: Any) -> Offer:
    known: dict[str, Any] = {
        "visit_type": "ketamine_mood",
        "units": 6,
        "price_cents": 210000,
        "starts_at": NOW,
        "ended_at": None,
        "takes_care_credit": False,
    }
    return Offer(**known | changes)


def test_a_package_is_sold_from_its_first_moment_until_it_is_ended():
    assert offers.broken_by_sale(offer(), NOW) == []
    [early] = offers.broken_by_sale(offer(), NOW - timedelta(seconds=1))
    assert "from 2026-11-23 on" in early.detail
    [late] = offers.broken_by_sale(offer(ended_at=NOW), NOW)
    assert (late.rule, late.field) == ("package_not_on_sale", "package_id")


@pytest.mark.parametrize(
    ("tender", "reference", "cards", "rules"),
    [
        ("card", None, 1, []),
        ("card", None, 0, ["no_card_on_file"]),
        ("card", "R-1", 1, ["reference_is_stripes"]),
        ("cash", "R-1", 0, []),
        ("hsa_card", None, 0, ["reference_missing"]),
        ("check", "4242 4242 4242 4242", 0, ["reference_is_card_number"]),
        ("care_credit", "CC-1", 0, ["not_by_care_credit"]),
        ("prepaid", None, 1, ["paid_by_package"]),
    ],
)
def test_a_package_is_paid_with_money_that_fits(
    tender: str, reference: str | None, cards: int, rules: list[str]
):
    card_id = new_id() if cards else None
    broken = offers.broken_by_payment(offer(), TenderKind(tender), reference, "USD", card_id)
    assert [one.rule for one in broken] == rules


def test_care_credit_pays_a_package_only_where_the_agreement_was_looked_at():
    fits = offer(takes_care_credit=True)
    assert offers.broken_by_payment(fits, TenderKind.CARE_CREDIT, "CC-1", "USD", None) == []
    [euro] = offers.broken_by_payment(fits, TenderKind.CARE_CREDIT, "CC-1", "EUR", None)
    assert euro.rule == "wrong_currency"


@pytest.mark.parametrize(
    ("cents", "in_steps", "says"),
    [
        (35000, (35000, 70000), None),
        (35001, (35000, 70000), "$350.00 for 1, $700.00 for 2"),
        (35000, (), "Nothing of this package is left"),
    ],
)
def test_what_is_prepaid_goes_back_by_whole_units(
    cents: int, in_steps: tuple[int, ...], says: str | None
):
    paid = Refundable(TenderKind.CASH, 210000, 0, pays_charge=False, in_steps_cents=in_steps)
    broken = broken_by_refund(
        paid,
        amount_cents=cents,
        reason=RefundReason.NOTHING_OWED,
        tender=None,
        currency="USD",
        reference="R-9",
    )
    if says is None:
        assert broken == []
    else:
        [only] = broken
        assert (only.rule, only.field) == ("not_in_units", "amount_cents")
        assert says in only.detail
