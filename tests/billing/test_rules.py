"""The rule sheet: prices, codes, check digits, the one way an attempt goes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.charges import attempts, pricing
from services.billing.rules.charges.attempts import AttemptState, Owed, Step, Trying
from services.billing.rules.charges.gates import Gate
from services.billing.rules.charges.pricing import FirstStep, NoCharge, OnFile, Priced
from services.billing.rules.charges.standing import ChargeState, Standing
from services.billing.rules.collecting import declines
from services.billing.rules.collecting.declines import AbandonReason, DeclineCodes
from services.billing.rules.payments import card_numbers
from shared.events.billing import DeclineReason, TenderKind
from shared.ids import new_id

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)


def test_a_fee_starts_at_local_midnight_on_both_sides_of_a_clock_change():
    assert pricing.fee_starts_at(date(2026, 11, 1)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert pricing.fee_starts_at(date(2026, 11, 2)) == datetime(2026, 11, 2, 5, tzinfo=UTC)


def on_file(**changes: Any) -> OnFile:
    known: dict[str, Any] = {
        "already_charged": False,
        "fee_id": new_id(),
        "amount_cents": 39900,
        "tender": None,
        "card_id": new_id(),
        "has_card": True,
        "waits_for_fee": False,
        "is_held": False,
        "is_on_hold": False,
        "gate": Gate(),
    }
    return OnFile(**known | changes)


@pytest.mark.parametrize(
    ("changes", "step", "tender"),
    [
        ({}, FirstStep.CHARGE_CARD, TenderKind.CARD),
        ({"tender": TenderKind.CARD}, FirstStep.CHARGE_CARD, TenderKind.CARD),
        (
            {"card_id": None, "has_card": False},
            FirstStep.DECLINE_FOR_WANT_OF_CARD,
            TenderKind.CARD,
        ),
        ({"card_id": None}, FirstStep.DECLINE_FOR_WANT_OF_MANDATE, TenderKind.CARD),
        (
            {"tender": TenderKind.CARE_CREDIT},
            FirstStep.WAIT_FOR_OUTSIDE_PAYMENT,
            TenderKind.CARE_CREDIT,
        ),
        (
            {"tender": TenderKind.CASH, "card_id": None},
            FirstStep.WAIT_FOR_OUTSIDE_PAYMENT,
            TenderKind.CASH,
        ),
    ],
)
def test_how_a_visit_is_paid_decides_the_first_step(
    changes: dict[str, Any], step: FirstStep, tender: TenderKind
):
    priced = pricing.price(on_file(**changes))
    assert isinstance(priced, Priced)
    assert (priced.first_step, priced.tender, priced.amount_cents) == (step, tender, 39900)
    assert (priced.card_id is not None) is (step is FirstStep.CHARGE_CARD)


def test_what_is_charged_or_has_no_fee_is_not_charged():
    assert pricing.price(on_file(already_charged=True)) is NoCharge.ALREADY_CHARGED
    unpriced = on_file(fee_id=None, amount_cents=None)
    known = on_file(fee_id=None, amount_cents=None, waits_for_fee=True)
    assert pricing.price(known) is NoCharge.WAITS_FOR_FEE
    assert pricing.price(unpriced) is NoCharge.NO_FEE_IN_FORCE
    assert pricing.price(on_file(amount_cents=0)) is NoCharge.COSTS_NOTHING


PENDING, OFFERED, CAPTURED, DECLINED, ABANDONED = AttemptState


@pytest.mark.parametrize(
    ("state", "outcome", "decided", "settled", "step"),
    [
        (PENDING, CAPTURED, False, False, Step.TAKE),
        (PENDING, DECLINED, False, False, Step.TAKE),
        (ABANDONED, CAPTURED, False, False, Step.TAKE),
        (ABANDONED, DECLINED, False, False, Step.TAKE),
        (CAPTURED, CAPTURED, True, True, Step.CHANGES_NOTHING),
        (CAPTURED, DECLINED, True, True, Step.CHANGES_NOTHING),
        (DECLINED, DECLINED, True, False, Step.CHANGES_NOTHING),
        (DECLINED, CAPTURED, True, False, Step.TAKE),
        (DECLINED, CAPTURED, True, True, Step.UNMATCHED),
        (ABANDONED, DECLINED, True, False, Step.CHANGES_NOTHING),
        (ABANDONED, CAPTURED, True, False, Step.TAKE),
        (ABANDONED, CAPTURED, True, True, Step.UNMATCHED),
        (OFFERED, DECLINED, True, False, Step.CHANGES_NOTHING),
        (OFFERED, CAPTURED, True, False, Step.TAKE),
        (OFFERED, CAPTURED, True, True, Step.UNMATCHED),
    ],
)
def test_what_an_outcome_does_to_an_attempt(
    *, state: AttemptState, outcome: AttemptState, decided: bool, settled: bool, step: Step
):
    assert attempts.step(state, outcome, decided=decided, settled=settled) is step


@pytest.mark.parametrize(
    ("code", "decline_code", "reason"),
    [
        ("card_declined", "insufficient_funds", DeclineReason.INSUFFICIENT_FUNDS),
        ("card_declined", "lost_card", DeclineReason.CARD_NOT_USABLE),
        ("expired_card", None, DeclineReason.CARD_NOT_USABLE),
        ("authentication_required", None, DeclineReason.AUTHENTICATION_REQUIRED),
        ("card_declined", "authentication_required", DeclineReason.AUTHENTICATION_REQUIRED),
        ("card_declined", "a_code_of_next_year", DeclineReason.DECLINED),
        (None, None, DeclineReason.DECLINED),
    ],
)
def test_issuers_codes_map_to_the_houses_reasons(
    code: str | None, decline_code: str | None, reason: DeclineReason
):
    assert declines.decline_reason(DeclineCodes(code, decline_code)) is reason


def owed(**changes: Any) -> Owed:
    known: dict[str, Any] = {
        "standing": Standing(39900),
        "trying": None,
        "card_id": new_id(),
        "has_card": True,
        "unusable_card_ids": frozenset(),
    }
    return Owed(**known | changes)


CARD = new_id()


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, []),
        ({"standing": Standing(39900, 10000)}, ["more_than_owed"]),
        ({"standing": Standing(39900, 39900)}, ["charge_paid"]),
        ({"standing": Standing(39900, 0, 39900)}, ["charge_paid"]),
        ({"trying": Trying(AttemptState.PENDING, None)}, ["attempt_under_way"]),
        ({"trying": Trying(AttemptState.PENDING, new_id())}, ["attempt_parked"]),
        ({"trying": Trying(AttemptState.ABANDONED, None)}, ["attempt_looked_up"]),
        ({"trying": Trying(AttemptState.ABANDONED, new_id())}, ["attempt_parked"]),
        ({"card_id": None, "has_card": False}, ["no_card_on_file"]),
        ({"card_id": None}, ["no_mandate"]),
        ({"card_id": CARD, "unusable_card_ids": frozenset({CARD})}, ["card_not_usable"]),
    ],
)
def test_when_a_charge_may_be_tried(changes: dict[str, Any], rules: list[str]):
    assert [one.rule for one in attempts.broken_by_try(owed(**changes), 39900)] == rules


def test_a_payment_that_breaks_several_rules_is_told_all_of_them():
    broken = attempts.broken_by_outside_payment(
        owed(), TenderKind.CARD, "4242-4242-4242-4242", 40000
    )
    assert {one.rule for one in broken} == {
        "tender_not_outside",
        "more_than_owed",
        "reference_is_card_number",
    }


@pytest.mark.parametrize(
    "reference",
    [
        "CC-118834",
        "Receipt 2041",
        "0004242",
        "1234567890123456",
        "4111111111111112",  # begins as a card's number does, and does not check
        "1000000000000008",  # checks, and no card's number begins so
        "2026-11-23/0001 ACH 021000021000042",
        "9400111899223100001234",  # a parcel's
    ],
)
def test_a_receipts_reference_is_no_card_number(reference: str):
    assert not card_numbers.holds_card_number(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "4111.1111.1111.1111",
        "4111/1111/1111/1111",
        "4111_1111_1111_1111",
        "4111 - 1111 - 1111 - 1111",
        "1 4111 1111 1111 1111",
        "CC 07 4111111111111111",
        "4111111111111111 12/29",
        "Visa#4111111111111111x",
        "4222222222222",
        "378282246310005",
        "30569309025904",
        "2223003122003222",
        "3530111333300000",
        "6011111111111117",
    ],
)
def test_a_card_number_is_found_however_it_is_written(reference: str):
    assert card_numbers.holds_card_number(reference)


def test_every_reason_for_which_a_try_did_not_pay_says_what_to_do():
    for reason in (*DeclineReason, *AbandonReason):
        assert len(declines.what_to_do(reason)) > 40


@given(
    amount=st.integers(1, 100_000),
    parts=st.lists(st.tuples(st.booleans(), st.integers(1, 40_000)), max_size=6),
    declined=st.booleans(),
)
def test_the_state_of_a_charge_is_what_its_sums_say(
    amount: int, parts: list[tuple[bool, int]], *, declined: bool
):
    standing = Standing(amount)
    for is_paid, cents in parts:
        fits = min(cents, standing.owed_cents)
        standing = standing.with_paid(fits) if is_paid else standing.with_forgiven(fits)
    state = standing.state(declined=declined)
    assert (standing.owed_cents == 0) == (state in {ChargeState.PAID, ChargeState.CLOSED})
    assert (standing.paid_cents > 0) == (state in {ChargeState.PAID, ChargeState.PARTLY_PAID})
    assert state is not ChargeState.DECLINED or declined
