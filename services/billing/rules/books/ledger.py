"""What is posted to the ledger when money is owed, moves, or is given up.

Every posting is one or more legs, and a leg is a transfer: the same cents leave one account and
enter another. So nothing can be posted that does not sum to zero. Corrections are reversals: the
same cents, back the way they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.billing.rules.disputes.course import Loss, Moved
from shared.events.billing import ServiceKind, TenderKind


class Account(StrEnum):
    """Where cents can be. What kind each is stands in the table `ledger_accounts`."""

    PATIENT_RECEIVABLE = "patient_receivable"
    STRIPE_CLEARING = "stripe_clearing"
    CARE_CREDIT_CLEARING = "care_credit_clearing"
    TERMINAL_CLEARING = "terminal_clearing"
    CASH = "cash"
    CHECKS = "checks"
    BANK = "bank"
    DISPUTE_HOLD = "dispute_hold"
    PATIENT_CREDIT = "patient_credit"
    UNMATCHED_MONEY = "unmatched_money"
    REFUND_PENDING = "refund_pending"
    REVENUE_INFUSION = "revenue_infusion"
    REVENUE_CONSULT = "revenue_consult"
    DISCOUNT = "discount"
    REFUNDS = "refunds"
    BAD_DEBT = "bad_debt"
    STRIPE_FEES = "stripe_fees"
    CARE_CREDIT_FEES = "care_credit_fees"
    DISPUTE_FEES = "dispute_fees"
    STRIPE_RESERVE = "stripe_reserve"
    SUSPENSE = "suspense"


class AccountKind(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    CONTRA = "contra"
    EXPENSE = "expense"


DEBIT_NORMAL = frozenset({AccountKind.ASSET, AccountKind.CONTRA, AccountKind.EXPENSE})
"""The kinds whose balance is debits less credits; a contra account lessens income."""


class Reason(StrEnum):
    """Why something is posted. With the id of its cause it names a posting, once and for all."""

    CHARGE_POSTED = "charge_posted"
    CARD_CAPTURED = "card_captured"
    OUTSIDE_PAYMENT = "outside_payment"
    PACKAGE_PAID = "package_paid"
    PREPAID_USED = "prepaid_used"
    PACKAGE_REFUNDED = "package_refunded"
    DISCOUNTED = "discounted"
    WRITTEN_OFF = "written_off"
    REFUND_STARTED = "refund_started"
    REFUND_SENT = "refund_sent"
    REFUND_BY_BANK = "refund_by_bank"
    REFUND_BEYOND = "refund_beyond"
    UNMATCHED_TAKEN = "unmatched_taken"
    UNMATCHED_APPLIED = "unmatched_applied"
    UNMATCHED_REFUNDED = "unmatched_refunded"
    UNMATCHED_RETURNED = "unmatched_returned"
    UNAPPLIED = "unapplied"
    CARE_CREDIT_FUNDED = "care_credit_funded"
    DISPUTE_MOVED = "dispute_moved"
    DISPUTE_LOST = "dispute_lost"
    UNKNOWN_LOST = "unknown_lost"
    STRIPE_FEE = "stripe_fee"
    STRIPE_MOVED = "stripe_moved"
    SUSPENSE_SETTLED = "suspense_settled"
    PAYOUT = "payout"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Leg:
    """The same cents out of `credit` and into `debit`."""

    debit: Account
    credit: Account
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Posting:
    """What one cause does to the accounts.

    `source_id` is the id of the row or of the outside object that caused it: the same cause is
    posted once. `happened_at` is when the money was owed or moved, by which what is owed ages.
    """

    reason: Reason
    source_id: str
    legs: tuple[Leg, ...]
    happened_at: datetime
    patient_id: UUID | None = None
    charge_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OfCharge:
    """Whose money it is and for what."""

    patient_id: UUID
    charge_id: UUID


_HELD_IN = {
    TenderKind.CARD: Account.STRIPE_CLEARING,
    TenderKind.HSA_CARD: Account.TERMINAL_CLEARING,
    TenderKind.CARE_CREDIT: Account.CARE_CREDIT_CLEARING,
    TenderKind.CASH: Account.CASH,
    TenderKind.CHECK: Account.CHECKS,
    TenderKind.PREPAID: Account.PATIENT_CREDIT,
}
"""Where the money of a tender is until it is in the bank. What is prepaid is there already."""


def held_in(tender: TenderKind) -> Account:
    return _HELD_IN[tender]


_REVENUE_OF = {
    ServiceKind.INFUSION: Account.REVENUE_INFUSION,
    ServiceKind.SESSION: Account.REVENUE_CONSULT,
}


def charge_posted(
    of: OfCharge, amount_cents: int, service: ServiceKind, happened_at: datetime
) -> Posting:
    """The service is given: it is owed, and earned."""
    leg = Leg(Account.PATIENT_RECEIVABLE, _REVENUE_OF[service], amount_cents)
    return _about(of, Reason.CHARGE_POSTED, of.charge_id, leg, happened_at)


def card_captured(of: OfCharge, payment_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """Stripe took it from a card and holds it until the payout."""
    leg = Leg(Account.STRIPE_CLEARING, Account.PATIENT_RECEIVABLE, amount_cents)
    return _about(of, Reason.CARD_CAPTURED, payment_id, leg, at)


def outside_payment(
    of: OfCharge, payment_id: UUID, tender: TenderKind, amount_cents: int, at: datetime
) -> Posting:
    """The patient paid past Stripe."""
    leg = Leg(held_in(tender), Account.PATIENT_RECEIVABLE, amount_cents)
    return _about(of, Reason.OUTSIDE_PAYMENT, payment_id, leg, at)


def package_paid(
    patient_id: UUID, purchase_id: UUID, tender: TenderKind, amount_cents: int, at: datetime
) -> Posting:
    """A package is paid, and nothing is earned yet. Both legs stand on the patient's statement."""
    legs = (
        Leg(held_in(tender), Account.PATIENT_RECEIVABLE, amount_cents),
        Leg(Account.PATIENT_RECEIVABLE, Account.PATIENT_CREDIT, amount_cents),
    )
    return Posting(Reason.PACKAGE_PAID, str(purchase_id), legs, at, patient_id)


def prepaid_used(of: OfCharge, payment_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """A unit of a package pays its visit."""
    leg = Leg(Account.PATIENT_CREDIT, Account.PATIENT_RECEIVABLE, amount_cents)
    return _about(of, Reason.PREPAID_USED, payment_id, leg, at)


def package_refunded(patient_id: UUID, refund_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """What was not used of a package is on its way back."""
    legs = (
        Leg(Account.PATIENT_CREDIT, Account.PATIENT_RECEIVABLE, amount_cents),
        Leg(Account.PATIENT_RECEIVABLE, Account.REFUND_PENDING, amount_cents),
    )
    return Posting(Reason.PACKAGE_REFUNDED, str(refund_id), legs, at, patient_id)


def discounted(of: OfCharge, adjustment_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """The clinic asks for less than its fee."""
    leg = Leg(Account.DISCOUNT, Account.PATIENT_RECEIVABLE, amount_cents)
    return _about(of, Reason.DISCOUNTED, adjustment_id, leg, at)


def written_off(of: OfCharge, adjustment_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """The clinic expects this to be paid no more."""
    leg = Leg(Account.BAD_DEBT, Account.PATIENT_RECEIVABLE, amount_cents)
    return _about(of, Reason.WRITTEN_OFF, adjustment_id, leg, at)


def refund_started(
    of: OfCharge, refund_id: UUID, amount_cents: int, at: datetime, *, given_up: bool
) -> Posting:
    """Money of a charge is on its way back: the charge is owed again, or the clinic gives it up."""
    legs = [Leg(Account.PATIENT_RECEIVABLE, Account.REFUND_PENDING, amount_cents)]
    if given_up:
        legs.append(Leg(Account.REFUNDS, Account.PATIENT_RECEIVABLE, amount_cents))
    return _legs_about(of, Reason.REFUND_STARTED, str(refund_id), tuple(legs), at)


def refund_sent(
    patient_id: UUID,
    charge_id: UUID | None,
    refund_id: UUID,
    tender: TenderKind,
    amount_cents: int,
    at: datetime,
) -> Posting:
    """It left the place where the money of its tender is. Stripe takes it from its balance."""
    leg = Leg(Account.REFUND_PENDING, held_in(tender), amount_cents)
    return Posting(Reason.REFUND_SENT, str(refund_id), (leg,), at, patient_id, charge_id)


def refund_by_bank(
    patient_id: UUID, charge_id: UUID | None, refund_id: UUID, amount_cents: int, at: datetime
) -> Posting:
    """A refund came back, and its patient has the money all the same: their bank took it."""
    leg = Leg(Account.REFUND_PENDING, Account.BAD_DEBT, amount_cents)
    return Posting(Reason.REFUND_BY_BANK, str(refund_id), (leg,), at, patient_id, charge_id)


def refund_beyond(patient_id: UUID, refund_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """More went back at Stripe than the books have of the payment: a person says what for."""
    leg = Leg(Account.SUSPENSE, Account.REFUND_PENDING, amount_cents)
    return Posting(Reason.REFUND_BEYOND, str(refund_id), (leg,), at, patient_id)


def unmatched_refunded(
    patient_id: UUID, refund_id: UUID, amount_cents: int, at: datetime
) -> Posting:
    """Money that no charge waits for is on its way back."""
    leg = Leg(Account.UNMATCHED_MONEY, Account.REFUND_PENDING, amount_cents)
    return Posting(Reason.UNMATCHED_REFUNDED, str(refund_id), (leg,), at, patient_id)


def unmatched_taken(
    patient_id: UUID, payment_intent_id: str, amount_cents: int, at: datetime
) -> Posting:
    """Stripe took what no charge waits for: the clinic owes it to the patient."""
    leg = Leg(Account.STRIPE_CLEARING, Account.UNMATCHED_MONEY, amount_cents)
    return Posting(Reason.UNMATCHED_TAKEN, payment_intent_id, (leg,), at, patient_id)


def unmatched_applied(
    of: OfCharge, payment_intent_id: str, amount_cents: int, at: datetime
) -> Posting:
    """A charge takes it after all."""
    leg = Leg(Account.UNMATCHED_MONEY, Account.PATIENT_RECEIVABLE, amount_cents)
    return _about(of, Reason.UNMATCHED_APPLIED, payment_intent_id, leg, at)


def unmatched_returned(
    patient_id: UUID, payment_intent_id: str, amount_cents: int, at: datetime
) -> Posting:
    """Somebody gave it back at Stripe by hand."""
    leg = Leg(Account.UNMATCHED_MONEY, Account.STRIPE_CLEARING, amount_cents)
    return Posting(Reason.UNMATCHED_RETURNED, payment_intent_id, (leg,), at, patient_id)


def unapplied(of: OfCharge, dispute_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """A bank gave back what the charge does not need any more: it is the patient's."""
    leg = Leg(Account.PATIENT_RECEIVABLE, Account.UNMATCHED_MONEY, amount_cents)
    return _about(of, Reason.UNAPPLIED, dispute_id, leg, at)


def care_credit_funded(
    payment_id: UUID, amount_cents: int, fee_cents: int, at: datetime
) -> Posting:
    """CareCredit sent what was paid with it, less its discount."""
    return Posting(
        Reason.CARE_CREDIT_FUNDED,
        str(payment_id),
        _some(
            Leg(Account.BANK, Account.CARE_CREDIT_CLEARING, amount_cents - fee_cents),
            Leg(Account.CARE_CREDIT_FEES, Account.CARE_CREDIT_CLEARING, fee_cents),
        ),
        at,
    )


def care_credit_line(funding_id: UUID, gross_cents: int, fee_cents: int, at: datetime) -> Posting:
    """A line of CareCredit's funding report: what came, less the fee; negative, what it took."""
    net = _moved(Account.BANK, Account.CARE_CREDIT_CLEARING, gross_cents - fee_cents)
    fee = _moved(Account.CARE_CREDIT_FEES, Account.CARE_CREDIT_CLEARING, fee_cents)
    return Posting(Reason.CARE_CREDIT_FUNDED, str(funding_id), _some(net, fee), at)


def dispute_moved(patient_id: UUID | None, charge_id: UUID | None, moved: Moved) -> Posting:
    """A cardholder's bank took what a payment brought, or gave it back."""
    leg = _moved(Account.DISPUTE_HOLD, Account.STRIPE_CLEARING, -moved.amount_cents)
    reason, of = Reason.DISPUTE_MOVED, moved.transaction_id
    return Posting(reason, of, (leg,), moved.at, patient_id, charge_id)


def dispute_lost(
    patient_id: UUID,
    charge_id: UUID | None,
    dispute_id: UUID,
    loss: Loss,
    at: datetime,
    *,
    paid_ahead: bool = False,
) -> Posting:
    """The bank keeps it. What was paid is owed again, or owed to the patient no more."""
    if paid_ahead:
        owed = Account.PATIENT_CREDIT
    else:
        owed = Account.UNMATCHED_MONEY if charge_id is None else Account.PATIENT_RECEIVABLE
    return Posting(
        Reason.DISPUTE_LOST,
        str(dispute_id),
        _some(
            Leg(owed, Account.DISPUTE_HOLD, loss.owed_again_cents),
            Leg(Account.BAD_DEBT, Account.DISPUTE_HOLD, loss.beyond_cents),
            Leg(Account.UNMATCHED_MONEY, Account.DISPUTE_HOLD, loss.waited_cents),
        ),
        at,
        patient_id,
        charge_id,
    )


def unknown_lost(dispute_id: UUID, amount_cents: int, at: datetime) -> Posting:
    """A bank keeps what a payment brought that is not in the books: neither is the clinic's."""
    legs = _some(_moved(Account.STRIPE_CLEARING, Account.DISPUTE_HOLD, amount_cents))
    return Posting(Reason.UNKNOWN_LOST, str(dispute_id), legs, at)


def stripe_fee(
    balance_transaction_id: str, fee_cents: int, at: datetime, *, of_dispute: bool = False
) -> Posting:
    """Stripe kept its fee: of a payment or a dispute, or for itself. A negative one came back."""
    expense = Account.DISPUTE_FEES if of_dispute else Account.STRIPE_FEES
    leg = _moved(expense, Account.STRIPE_CLEARING, fee_cents)
    return Posting(Reason.STRIPE_FEE, balance_transaction_id, (leg,), at)


def stripe_moved(balance_transaction_id: str, amount_cents: int, at: datetime) -> Posting:
    """Stripe moved money, and nobody knows yet what for."""
    leg = _moved(Account.STRIPE_CLEARING, Account.SUSPENSE, amount_cents)
    return Posting(Reason.STRIPE_MOVED, balance_transaction_id, (leg,), at)


def suspense_settled(
    balance_transaction_id: str, amount_cents: int, belongs_to: Account, at: datetime
) -> Posting:
    """A person knows what Stripe moved money for."""
    leg = _moved(Account.SUSPENSE, belongs_to, amount_cents)
    return Posting(Reason.SUSPENSE_SETTLED, balance_transaction_id, (leg,), at)


def payout(payout_id: str, amount_cents: int, at: datetime) -> Posting:
    """Stripe sent what it held. A negative payout took from the bank what Stripe was owed."""
    leg = _moved(Account.BANK, Account.STRIPE_CLEARING, amount_cents)
    return Posting(Reason.PAYOUT, payout_id, (leg,), at)


def _about(of: OfCharge, reason: Reason, source_id: object, leg: Leg, at: datetime) -> Posting:
    return _legs_about(of, reason, str(source_id), (leg,), at)


def _legs_about(
    of: OfCharge, reason: Reason, source_id: str, legs: tuple[Leg, ...], at: datetime
) -> Posting:
    return Posting(reason, source_id, legs, at, of.patient_id, of.charge_id)


def _moved(debit: Account, credit: Account, amount_cents: int) -> Leg:
    """The leg of a signed amount: a negative one moves the other way."""
    if amount_cents < 0:
        return Leg(credit, debit, -amount_cents)
    return Leg(debit, credit, amount_cents)


def _some(*legs: Leg) -> tuple[Leg, ...]:
    """The legs that move something."""
    return tuple(leg for leg in legs if leg.amount_cents)
