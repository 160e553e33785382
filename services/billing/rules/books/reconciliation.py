"""Whether the books and the card processor tell the same story of the money.

Both are read per payment: what was taken, given back, disputed. What one side has and the other
lacks or has otherwise is a break, once it has had the time that news needs. A payout is tied to the
movements in it. Every break says in words what to look at; nothing here mends one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from services.billing.rules.clinic import next_at
from shared.money import dollars

RECONCILED_AT = time(6, 0)
"""On the clinic's wall, before the doors open at 9 (FAQ). The hour is ours."""

WINDOW = timedelta(days=35)
"""How far back every round looks again: a late dispute or a failed refund moves money weeks after
its payment, so a scan that stops at what it knows misses it. The figure is ours: the longest month
and half a week."""

NEWS_TAKES = timedelta(hours=1)
"""Money that Stripe shows and the books do not have yet may still be on its way to them."""

SETTLES_WITHIN = timedelta(days=1)
"""What the books have is among Stripe's balance transactions at once; a day covers clocks that
differ and an outage of ours."""


class MovementKind(StrEnum):
    """What moved money, at Stripe or by CareCredit, as far as the books tell it apart."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    FEE = "fee"
    OTHER = "other"
    CARE_CREDIT = "care_credit"


@dataclass(frozen=True, slots=True)
class Movement:
    """One balance transaction. Cents are signed as Stripe signs them: what comes in is positive.

    `reference` is the PaymentIntent of a payment, a refund or a dispute, the payout of a payout,
    and the transaction itself of everything else.
    """

    transaction_id: str
    kind: MovementKind
    reference: str
    amount_cents: int
    fee_cents: int
    created_at: datetime

    @property
    def net_cents(self) -> int:
        return self.amount_cents - self.fee_cents


class PayoutState(StrEnum):
    """`under_way` may still fail; `failed` brought the money back."""

    UNDER_WAY = "under_way"
    PAID = "paid"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Payout:
    """What Stripe sent to the bank. A negative amount was taken from it."""

    payout_id: str
    amount_cents: int
    state: PayoutState
    created_at: datetime
    arrives_on: date


class BreakKind(StrEnum):
    NOT_IN_BOOKS = "not_in_books"
    NOT_AT_STRIPE = "not_at_stripe"
    AMOUNT_DIFFERS = "amount_differs"
    PAYOUT_DIFFERS = "payout_differs"
    BALANCE_DIFFERS = "balance_differs"
    NOT_FUNDED = "not_funded"
    TAKEN_BACK = "taken_back"
    IN_SUSPENSE = "in_suspense"
    REFUND_BEYOND = "refund_beyond"
    AT_THE_BANK = "at_the_bank"


@dataclass(frozen=True, slots=True)
class Tie:
    """What each side has of one thing; `since` is when the first of them had it."""

    subject: MovementKind
    reference: str
    booked_cents: int | None
    found_cents: int | None
    since: datetime

    @property
    def difference_cents(self) -> int:
        """What Stripe has more than the books."""
        return (self.found_cents or 0) - (self.booked_cents or 0)


@dataclass(frozen=True, slots=True)
class Break:
    kind: BreakKind
    subject: MovementKind
    reference: str
    booked_cents: int
    found_cents: int
    since: datetime


def judge(tie: Tie, now: datetime) -> Break | None:
    """Whether a tie does not hold. What has not had its time yet is no break."""
    booked, found = tie.booked_cents, tie.found_cents
    if booked == found:
        return None
    if booked is None:
        kind, waits = BreakKind.NOT_IN_BOOKS, NEWS_TAKES
    elif found is None:
        kind, waits = BreakKind.NOT_AT_STRIPE, SETTLES_WITHIN
    else:
        kind, waits = BreakKind.AMOUNT_DIFFERS, NEWS_TAKES
    if now - tie.since < waits:
        return None
    return Break(kind, tie.subject, tie.reference, booked or 0, found or 0, tie.since)


def judge_decided(stripe_dispute_id: str, at_bank_cents: int, closed_at: datetime) -> Break:
    """A dispute is over, and its money is not where the decision has it."""
    return Break(
        BreakKind.AT_THE_BANK, MovementKind.DISPUTE, stripe_dispute_id, 0, at_bank_cents, closed_at
    )


def judge_payout(payout: Payout, movements_cents: int | None) -> Break | None:
    """Whether a payout that arrived is the sum of what is in it; `None` when nothing was listed."""
    if payout.state is not PayoutState.PAID or movements_cents == payout.amount_cents:
        return None
    return Break(
        BreakKind.PAYOUT_DIFFERS,
        MovementKind.PAYOUT,
        payout.payout_id,
        movements_cents or 0,
        payout.amount_cents,
        payout.created_at,
    )


def judge_balance(
    booked_cents: int, found_cents: int, ties: Iterable[Tie], now: datetime
) -> Break | None:
    """Whether what Stripe holds differs from the books by more than the ties explain.

    Also those that have not had their time yet. The break is about the difference alone: both
    sides change every day, and a break that changed with them would never grow old.
    """
    unexplained = (found_cents - booked_cents) - sum(one.difference_cents for one in ties)
    if not unexplained:
        return None
    return Break(
        BreakKind.BALANCE_DIFFERS, MovementKind.OTHER, "stripe_clearing", 0, unexplained, now
    )


def next_round(now: datetime) -> datetime:
    """The next morning at which the books are compared, in UTC."""
    return next_at(RECONCILED_AT, now)


def looks_from(now: datetime) -> datetime:
    """From when on a round looks again."""
    return now - WINDOW


_WHAT_TO_DO = {
    BreakKind.NOT_IN_BOOKS: (
        "Stripe moved {found} for a {subject} that the books do not have. Look it up at Stripe: if"
        " it is the clinic's, its webhook was lost or was refused (practice parked list). What"
        " somebody gives back by hand in Stripe's dashboard is booked by itself."
    ),
    BreakKind.NOT_AT_STRIPE: (
        "The books have {booked} for a {subject} that Stripe's balance does not show. Look it up at"
        " Stripe; if it never moved, the posting has to be reversed."
    ),
    BreakKind.AMOUNT_DIFFERS: (
        "The books have {booked} for a {subject}, Stripe's balance shows {found}. Look at its"
        " history at Stripe, and for what is parked here: practice parked list."
    ),
    BreakKind.PAYOUT_DIFFERS: (
        "Stripe paid out {found}, and what is listed in the payout comes to {booked}. Ask Stripe"
        " which movement is missing."
    ),
    BreakKind.BALANCE_DIFFERS: (
        "Stripe's balance differs from the books' account at Stripe by {found}, and no payment,"
        " refund or dispute explains it. Something older than the window moved, or was entered by"
        " hand."
    ),
    BreakKind.IN_SUSPENSE: (
        "Stripe moved {found} of itself, for what the books do not know. Look it up at Stripe, and"
        " say where it belongs: POST /reconciliation-breaks/…/settle."
    ),
    BreakKind.REFUND_BEYOND: (
        "Somebody gave {found} back in Stripe's dashboard beyond what the books have of that"
        " payment, or not in whole visits of its package. Look up who did it and what for, agree"
        " with the patient, and say where it belongs, refunds if the clinic gives it away,"
        " bad_debt if it is lost: POST /reconciliation-breaks/…/settle."
    ),
    BreakKind.AT_THE_BANK: (
        "The bank has decided this dispute, and {found} did not move as it decided: above nothing,"
        " the bank has it still; below, it gave back what it had won. Ask Stripe when it moves."
        " The dispute is followed by itself once it does."
    ),
}


_WITH_CARE_CREDIT = {
    BreakKind.NOT_FUNDED: (
        "The books have {booked} paid by CareCredit, and no funding report brought it. Look it up"
        " in CareCredit's portal: enter the report that has it, or reject the payment."
    ),
    BreakKind.NOT_IN_BOOKS: (
        "CareCredit sent {found} under a reference that no payment has. Find the patient in its"
        " portal and record the payment under that reference: the line is posted by itself then."
    ),
    BreakKind.AMOUNT_DIFFERS: (
        "The books have {booked} of this payment by CareCredit, its funding reports come to"
        " {found}. Ask CareCredit; a line that was mistyped is mended by its negative and the right"
        " one."
    ),
    BreakKind.TAKEN_BACK: (
        "CareCredit sent this payment and took it back: {booked} is booked, {found} is left. Record"
        " the refund (POST /payments/…/refunds), so that the charge is owed again."
    ),
}


def what_to_do(kind: BreakKind, subject: MovementKind, booked_cents: int, found_cents: int) -> str:
    """A break for whoever works it off."""
    words = _WITH_CARE_CREDIT if subject is MovementKind.CARE_CREDIT else _WHAT_TO_DO
    return words[kind].format(
        subject=subject.value, booked=dollars(booked_cents), found=dollars(found_cents)
    )
