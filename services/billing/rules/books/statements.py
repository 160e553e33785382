"""A patient's account over a span of days: what was charged, paid, given back and given up.

It says what the ledger says of what the patient owes, in the order of its postings, so that what a
statement of days gone by says never changes. It names no diagnosis, code or drug. Va. Code
54.1-2404 has it itemised on request.

A visit stands under the day of the place where it was. What was posted, and where a span begins and
ends, goes by one place for the whole of it, so that one span's balance is the next one's forward:
by the place whose letterhead a printed statement has, and by the clinic's own on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.billing.rules.books.ledger import Reason
from services.billing.rules.superbills.document import PAID_BY
from shared.events.billing import TenderKind
from shared.refusals import Broken

MOST_DAYS = 2 * 366
"""Of one statement. The figure is ours."""

TITLE = "Every charge, payment, refund and reduction of your account"
NOTICE = (
    "Amounts without a sign are charged to you; amounts with a minus lessen what you owe. A refund"
    " stands without a sign because the money is with you again. Questions: call the clinic."
)


class EntryKind(StrEnum):
    """`package` is money that goes into a prepaid package, or with a minus out of it again."""

    CHARGE = "charge"
    PAYMENT = "payment"
    REFUND = "refund"
    REDUCTION = "reduction"
    PACKAGE = "package"
    CORRECTION = "correction"


_REDUCES = {Reason.DISCOUNTED: "Discount", Reason.WRITTEN_OFF: "Written off"}


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer into (positive) or out of what a patient owes.

    `undoes` is what it reverses. `served_on` is the day of its charge's visit, by the wall of the
    place where that was; `tender` is how the money came or went.
    """

    posted_at: datetime
    reason: Reason
    undoes: Reason | None
    amount_cents: int
    charge_id: UUID | None
    served_on: date | None
    tender: TenderKind | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `balance_cents` is what is owed after it; a minus is in the patient's favour."""

    on: date
    kind: EntryKind
    words: str
    reference: str | None
    charge_id: UUID | None
    amount_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Account:
    """The entries of a span. The balance forward and all amounts make the balance at its end.

    `held_cents` is the patient's own money that pays no charge: paid ahead, or to be given back.
    """

    since: date
    until: date
    currency: str
    forward_cents: int
    entries: tuple[Entry, ...]
    charged_cents: int
    paid_cents: int
    refunded_cents: int
    reduced_cents: int
    packaged_cents: int
    corrected_cents: int
    balance_cents: int
    held_cents: int


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The clinic that sends it."""

    legal_name: str
    phone: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Addressee:
    name: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """The document."""

    title: str
    issued_on: date
    clinic: Letterhead
    patient: Addressee
    account: Account
    notice: str


def broken_by_span(since: date, until: date, today: date) -> list[Broken]:
    """What forbids a statement of these days."""
    if until < since:
        return [Broken("days_reversed", "The last day is before the first.", "a calendar", "until")]
    if until > today:
        return [
            Broken(
                "days_ahead",
                "The last day is still to come. Ask until today, or leave it out.",
                "what is posted is posted by now",
                "until",
            )
        ]
    if until - since >= timedelta(days=MOST_DAYS):
        return [
            Broken(
                "too_many_days",
                f"One statement covers {MOST_DAYS} days at the most. Ask for several.",
                "a figure of ours, so that one statement stays readable",
                "until",
            )
        ]
    return []


UNKNOWN_PATIENT = Broken(
    "nothing_to_state",
    "Billing knows no visit and no payment of this patient. Check the patient's id.",
    "Va. Code 54.1-2404: a statement is of what was charged",
    "patient_id",
)


def account_of(
    since: date,
    until: date,
    forward_cents: int,
    moved: Sequence[Moved],
    held_cents: int,
    zone: ZoneInfo,
) -> Account:
    """The account of a span, of the transfers in the order of their posting, by a place's days."""
    entries, balance_cents = [], forward_cents
    for one in moved:
        balance_cents += one.amount_cents
        kind = _kind(one)
        entries.append(
            Entry(
                on=one.posted_at.astimezone(zone).date(),
                kind=kind,
                words=_words(one, kind),
                reference=one.reference if kind in _NAMES_REFERENCE else None,
                charge_id=one.charge_id,
                amount_cents=one.amount_cents,
                balance_cents=balance_cents,
            )
        )

    def sum_of(kind: EntryKind) -> int:
        return sum(entry.amount_cents for entry in entries if entry.kind is kind)

    return Account(
        since=since,
        until=until,
        currency="USD",
        forward_cents=forward_cents,
        entries=tuple(entries),
        charged_cents=sum_of(EntryKind.CHARGE),
        paid_cents=-sum_of(EntryKind.PAYMENT),
        refunded_cents=sum_of(EntryKind.REFUND),
        reduced_cents=-sum_of(EntryKind.REDUCTION),
        packaged_cents=sum_of(EntryKind.PACKAGE),
        corrected_cents=sum_of(EntryKind.CORRECTION),
        balance_cents=balance_cents,
        held_cents=held_cents,
    )


_KINDS = {
    Reason.CHARGE_POSTED: EntryKind.CHARGE,
    Reason.CARD_CAPTURED: EntryKind.PAYMENT,
    Reason.OUTSIDE_PAYMENT: EntryKind.PAYMENT,
    Reason.PACKAGE_PAID: EntryKind.PAYMENT,
    Reason.UNMATCHED_APPLIED: EntryKind.PAYMENT,
    Reason.REFUND_STARTED: EntryKind.REFUND,
    Reason.PACKAGE_REFUNDED: EntryKind.REFUND,
} | dict.fromkeys(_REDUCES, EntryKind.REDUCTION)

_NAMES_REFERENCE = frozenset({EntryKind.PAYMENT, EntryKind.REFUND})


def _kind(one: Moved) -> EntryKind:
    """A refund that is given up has a second leg, which lessens what is owed.

    The money of a package has two as well: it comes or goes, and it is put aside or taken from
    there. A unit that is given back is put aside again.
    """
    if _is_of_package(one):
        return EntryKind.PACKAGE
    if one.reason is Reason.REFUND_STARTED and one.amount_cents < 0:
        return EntryKind.REDUCTION
    return _KINDS.get(one.reason, EntryKind.CORRECTION)


def _is_of_package(one: Moved) -> bool:
    goes_in = one.amount_cents > 0
    match one.undoes or one.reason:
        case Reason.PREPAID_USED:
            return True
        case Reason.PACKAGE_PAID:
            return goes_in
        case Reason.PACKAGE_REFUNDED:
            return goes_in is (one.undoes is not None)
        case Reason.REFUND_STARTED:
            return goes_in and one.tender is TenderKind.PREPAID
        case _:
            return False


def _words(one: Moved, kind: EntryKind) -> str:
    by = f" by {_BY[one.tender]}" if one.tender else ""
    match kind:
        case EntryKind.CHARGE:
            on = f" on {one.served_on:%m/%d/%Y}" if one.served_on else ""
            return f"Office visit{on}"
        case EntryKind.PAYMENT:
            return f"Payment{by}"
        case EntryKind.REFUND:
            return f"Refund{by}"
        case EntryKind.PACKAGE:
            goes_in = one.amount_cents > 0
            return "Put into a prepaid package" if goes_in else "Taken from a prepaid package"
        case EntryKind.REDUCTION:
            return _REDUCES.get(one.reason, "Charge reduced with the refund")
        case EntryKind.CORRECTION:
            told = _CORRECTIONS.get(one.undoes or one.reason, "Correction")
            return _UNDONE.get(one.undoes, told)


_BY = {
    tender: words if tender is TenderKind.CARE_CREDIT else words.lower()
    for tender, words in PAID_BY.items()
}

_UNDONE: dict[Reason | None, str] = {Reason.DISPUTE_LOST: "Payment that the bank gave back"}

_CORRECTIONS = {
    Reason.OUTSIDE_PAYMENT: "Payment that did not come",
    Reason.CARD_CAPTURED: "Payment taken back",
    Reason.REFUND_STARTED: "Refund that did not arrive",
    Reason.PACKAGE_REFUNDED: "Refund that did not arrive",
    Reason.CHARGE_POSTED: "Charge taken back",
    Reason.DISPUTE_LOST: "Payment that the bank took back",
    Reason.UNAPPLIED: "Kept to be given back to you",
}
