"""What is a break between the books and Stripe, and what only needs time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.books import ledger
from services.billing.rules.books import reconciliation as rules
from services.billing.rules.books.ledger import Account
from services.billing.rules.books.reconciliation import (
    BreakKind,
    MovementKind,
    Payout,
    PayoutState,
    Tie,
)

NOW = datetime(2027, 3, 12, 11, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def tie(booked: int | None, found: int | None, *, age: timedelta = 2 * DAY) -> Tie:
    return Tie(MovementKind.PAYMENT, "pi_madeUp", booked, found, NOW - age)


@pytest.mark.parametrize(
    ("booked", "found", "kind"),
    [
        (39900, 39900, None),
        (None, 39900, BreakKind.NOT_IN_BOOKS),
        (39900, None, BreakKind.NOT_AT_STRIPE),
        (39900, 39800, BreakKind.AMOUNT_DIFFERS),
        (39900, 79800, BreakKind.AMOUNT_DIFFERS),
        (-39900, None, BreakKind.NOT_AT_STRIPE),
    ],
)
def test_what_one_side_lacks_or_has_otherwise_is_a_break(
    booked: int | None, found: int | None, kind: BreakKind | None
):
    broken = rules.judge(tie(booked, found), NOW)
    assert (broken and broken.kind) is kind


@pytest.mark.parametrize(
    ("booked", "found", "age", "is_break"),
    [
        (None, 39900, HOUR - timedelta(seconds=1), False),
        (None, 39900, HOUR, True),
        (39900, None, DAY - timedelta(seconds=1), False),
        (39900, None, DAY, True),
        (39900, 1, HOUR - timedelta(seconds=1), False),
    ],
)
def test_news_gets_its_time_before_it_is_missed(
    booked: int | None, found: int | None, age: timedelta, *, is_break: bool
):
    assert (rules.judge(tie(booked, found, age=age), NOW) is not None) is is_break


PAYOUT = Payout("po_madeUp", 38713, PayoutState.PAID, NOW - DAY, date(2027, 3, 13))


@pytest.mark.parametrize(
    ("payout", "movements", "is_break"),
    [
        (PAYOUT, 38713, False),
        (PAYOUT, 38712, True),
        (PAYOUT, None, True),
        (replace(PAYOUT, state=PayoutState.UNDER_WAY), None, False),
        (replace(PAYOUT, state=PayoutState.FAILED), 38713, False),
        (replace(PAYOUT, amount_cents=-1200), -1200, False),
    ],
)
def test_a_payout_that_arrived_is_the_sum_of_what_is_in_it(
    payout: Payout, movements: int | None, *, is_break: bool
):
    assert (rules.judge_payout(payout, movements) is not None) is is_break


@given(booked=st.integers(-(10**9), 10**9), differences=st.lists(st.integers(-(10**6), 10**6)))
def test_a_difference_of_the_whole_that_single_ones_explain_is_no_break_of_its_own(
    booked: int, differences: list[int]
):
    ties = [Tie(MovementKind.PAYMENT, f"pi_{n}", 0, one, NOW) for n, one in enumerate(differences)]
    found = booked + sum(differences)
    assert rules.judge_balance(booked, found, ties, NOW) is None
    unexplained = rules.judge_balance(booked, found + 1, ties, NOW)
    assert unexplained is not None
    assert (unexplained.kind, unexplained.found_cents) == (BreakKind.BALANCE_DIFFERS, 1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2027-03-12 10:59", "2027-03-12 11:00"),  # six o'clock in winter
        ("2027-03-12 11:00", "2027-03-13 11:00"),
        ("2027-03-13 11:30", "2027-03-14 10:00"),  # the clocks go forward in the night
        ("2026-10-31 10:30", "2026-11-01 11:00"),  # and back
    ],
)
def test_the_books_are_compared_at_six_on_the_clinics_wall(now: str, expected: str):
    assert rules.next_round(_utc(now)) == _utc(expected)


@given(st.integers(0, 5 * 365 * 24 * 60))
def test_the_next_round_is_always_ahead_and_never_more_than_a_long_day(minutes: int):
    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    assert timedelta() < rules.next_round(now) - now <= timedelta(hours=25)


def test_fees_given_back_and_payouts_taken_from_the_bank_move_the_other_way():
    [fee] = ledger.stripe_fee("txn_madeUp", -30, NOW).legs
    assert (fee.debit, fee.credit) == (Account.STRIPE_CLEARING, Account.STRIPE_FEES)
    [payout] = ledger.payout("po_madeUp", -1200, NOW).legs
    assert (payout.debit, payout.credit) == (Account.STRIPE_CLEARING, Account.BANK)
    assert (fee.amount_cents, payout.amount_cents) == (30, 1200)


OF_CARE_CREDIT = (BreakKind.NOT_FUNDED, BreakKind.TAKEN_BACK)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [(kind, MovementKind.PAYMENT) for kind in BreakKind if kind not in OF_CARE_CREDIT]
    + [
        (kind, MovementKind.CARE_CREDIT)
        for kind in (*OF_CARE_CREDIT, BreakKind.NOT_IN_BOOKS, BreakKind.AMOUNT_DIFFERS)
    ],
)
def test_every_break_says_what_to_do(kind: BreakKind, subject: MovementKind):
    words = rules.what_to_do(kind, subject, 39900, 0)
    assert "$" in words
    assert "{" not in words


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
