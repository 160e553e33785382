"""The superbill of a month: one document of the visits whose superbills are issued.

It says what they say, each line with its own day, and names them, because an insurer takes either
them or this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.billing.rules.superbills.document import LETTERS, Diagnosis, Issue, Superbill
from services.billing.rules.superbills.wording import standing_of
from shared.refusals import Broken


def broken_by_gathering(bills: Sequence[Superbill], earlier: Superbill | None) -> list[Broken]:
    """What forbids gathering the superbills of a month."""
    if not bills:
        return [
            Broken(
                "month_without_superbills",
                "No visit of this month has its superbill. See GET /superbills/held and what is"
                " not paid yet.",
                "a month's superbill gathers those of its visits",
                "month",
            )
        ]
    if any(bill.balance_cents for bill in bills):
        return [
            Broken(
                "month_not_paid",
                "A visit of this month is owed again: a payment for it did not come. Gather the"
                " month once it is paid.",
                "payers return a statement with a balance due",
                "month",
            )
        ]
    if len({bill.entity for bill in bills}) > 1 or len({bill.patient for bill in bills}) > 1:
        return [
            Broken(
                "month_of_two",
                "The month's superbills name different clinics, or the patient's name or address"
                " changed between them. Correct the older ones, or hand in each by itself.",
                "CMS-1500: one billing provider and one patient per claim",
                "month",
            )
        ]
    if len({one.code for bill in bills for one in bill.diagnoses}) > len(LETTERS):
        return [
            Broken(
                "too_many_diagnoses",
                "The month has more than 12 diagnoses. Hand in the visits' own superbills.",
                "CMS-1500 item 21: A to L",
                "month",
            )
        ]
    if earlier is not None and set(earlier.gathers) == set(_names(bills)):
        return [
            Broken(
                "superbill_issued",
                "The superbill of this month is issued, and says what those of its visits say.",
                "one superbill per month",
                "month",
            )
        ]
    return []


def gather(bills: Sequence[Superbill], month: str, issue: Issue, issued_on: date) -> Superbill:
    """One superbill of several visits of a month, in the order in which they began."""
    first, *_ = bills = sorted(bills, key=lambda bill: bill.visits[0].started_at)
    codes = list(dict.fromkeys(one.code for bill in bills for one in bill.diagnoses))
    words = {one.code: one.words for bill in bills for one in bill.diagnoses}
    letters = dict(zip(codes, LETTERS, strict=False))
    lines = tuple(
        replace(
            line,
            visit_no=visit_no,
            pointers=tuple(
                letters[one.code] for one in bill.diagnoses if one.pointer in line.pointers
            ),
        )
        for visit_no, bill in enumerate(bills, 1)
        for line in bill.lines
    )
    places = dict.fromkeys(place for bill in bills for place in bill.places_of_service)
    names = _names(bills)
    net_paid_cents = sum(bill.net_paid_cents for bill in bills)
    reduced_cents = sum(bill.reduced_cents for bill in bills)
    balance_cents = sum(bill.balance_cents for bill in bills)
    standing = standing_of(
        balance_cents=balance_cents, net_paid_cents=net_paid_cents, reduced_cents=reduced_cents
    )
    words_of_day = issue.wording.statements[standing]
    return replace(
        first,
        number=issue.number,
        version=issue.version,
        replaces=issue.replaces,
        month=month,
        gathers=names,
        issued_on=issued_on,
        diagnoses=tuple(Diagnosis(letters[code], code, words[code]) for code in codes),
        visits=tuple(visit for bill in bills for visit in bill.visits),
        lines=lines,
        places_of_service=tuple(sorted(places, key=lambda place: place.code)),
        total_cents=sum(bill.total_cents for bill in bills),
        payments=tuple(one for bill in bills for one in bill.payments),
        refunds=tuple(one for bill in bills for one in bill.refunds),
        paid_cents=sum(bill.paid_cents for bill in bills),
        refunded_cents=sum(bill.refunded_cents for bill in bills),
        net_paid_cents=net_paid_cents,
        reduced_cents=reduced_cents,
        balance_cents=balance_cents,
        stamps=tuple(dict.fromkeys(stamp for bill in bills for stamp in bill.stamps)),
        standing=standing,
        title=words_of_day.title,
        notice=issue.wording.notice_of_month(standing, names),
        assertion=words_of_day.assertion,
    )


def _names(bills: Sequence[Superbill]) -> tuple[str, ...]:
    """Each by its number, and by its version from the second on."""
    return tuple(
        bill.number if bill.version == 1 else f"{bill.number} version {bill.version}"
        for bill in bills
    )
