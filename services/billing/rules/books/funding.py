"""Whether CareCredit's funding reports and the books tell the same story of what it paid.

A report has one line for each payment that was sent to the bank: what the patient paid, the fee
that was kept, what came. A negative line takes back what came before. What the books have and no
line brought, what a line brought and the books do not have, and what the two have otherwise are
breaks, on the same list as those with Stripe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.billing.rules.books.reconciliation import (
    NEWS_TAKES,
    Break,
    BreakKind,
    MovementKind,
)
from services.billing.rules.payments.card_numbers import holds_card_number
from services.billing.rules.payments.care_credit import CareCreditState
from shared.money import dollars
from shared.refusals import Broken

FUNDED_WITHIN = timedelta(days=5)
"""CareCredit sends the money within two business days
(carecredit.com/providercenter/resources/pmp); the figure is ours: those, and a long weekend."""

REPORT = "CareCredit's funding report"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report, in cents. A negative one takes back, and its fee with it."""

    reference: str
    gross_cents: int
    fee_cents: int
    net_cents: int
    funded_on: date


def broken_by_report(lines: Sequence[Line], today: date) -> list[Broken]:
    """What forbids to take a report in: all that is wrong with it, by row. None of it is kept."""
    times = Counter((one.reference, one.funded_on, one.gross_cents) for one in lines)
    broken = []
    for number, line in enumerate(lines):
        broken += _broken_by_line(line, f"rows.{number}", today)
        if times[line.reference, line.funded_on, line.gross_cents] > 1:
            broken.append(
                Broken(
                    "line_twice",
                    "This line is in the report more than once. Leave one of them.",
                    REPORT,
                    f"rows.{number}",
                )
            )
    return broken


def _broken_by_line(line: Line, at: str, today: date) -> list[Broken]:
    broken = []
    if line.gross_cents == 0:
        broken.append(
            Broken("nothing_moved", "A line moves something.", REPORT, f"{at}.gross_cents")
        )
    lowest, highest = sorted((line.gross_cents, 0))
    if not lowest <= line.fee_cents <= highest:
        broken.append(
            Broken(
                "fee_above_amount",
                "CareCredit's fee is a part of what was paid. Give it in cents; that of a line that"
                " takes back is negative, or nothing.",
                REPORT,
                f"{at}.fee_cents",
            )
        )
    if line.gross_cents - line.fee_cents != line.net_cents:
        broken.append(
            Broken(
                "net_differs",
                f"{dollars(line.gross_cents)} less {dollars(line.fee_cents)} is"
                f" {dollars(line.gross_cents - line.fee_cents)}, not {dollars(line.net_cents)}.",
                REPORT,
                f"{at}.net_cents",
            )
        )
    if line.funded_on > today:
        broken.append(
            Broken(
                "funded_ahead",
                "This day is still to come. Check the date.",
                REPORT,
                f"{at}.funded_on",
            )
        )
    if holds_card_number(line.reference):
        broken.append(
            Broken(
                "reference_is_card_number",
                "This reads like an account number. Give the payment's own reference.",
                "PCI DSS 3.4: no card number is kept",
                f"{at}.reference",
            )
        )
    return broken


@dataclass(frozen=True, slots=True)
class FundingTie:
    """What the books and the reports have of one payment by CareCredit.

    `state` is missing where the books do not know the reference. `booked_cents` is what was paid
    and not given back, of a payment that was rejected nothing; `found_cents` the sum of the lines,
    missing where there is none. `fee_cents` is as it is booked, once it is. `since` is when the
    first side had it, `last` when anything of it moved.
    """

    reference: str
    state: CareCreditState | None
    booked_cents: int
    fee_cents: int | None
    found_cents: int | None
    found_fee_cents: int
    has_taken_back: bool
    is_refunded: bool
    since: datetime
    last: datetime


def judge_funding(tie: FundingTie, now: datetime) -> Break | None:
    """Whether a payment does not tie. What a biller noted as funded by hand stands for a line."""
    booked, found = tie.booked_cents, tie.found_cents
    waits = NEWS_TAKES
    if tie.state is None:
        kind = BreakKind.NOT_IN_BOOKS
    elif found is None:
        if not booked or tie.state is CareCreditState.FUNDED:
            return None
        kind, waits = BreakKind.NOT_FUNDED, FUNDED_WITHIN
    elif found != booked:
        kind = BreakKind.AMOUNT_DIFFERS
        if found < booked and tie.has_taken_back:
            kind = BreakKind.TAKEN_BACK
        elif tie.is_refunded:
            waits = FUNDED_WITHIN  # the refund is on its way to a report
    elif tie.fee_cents is not None and tie.fee_cents != tie.found_fee_cents and booked:
        kind = BreakKind.AMOUNT_DIFFERS
        booked, found = booked - tie.fee_cents, found - tie.found_fee_cents
    else:
        return None
    if now - tie.last < waits:
        return None
    return Break(kind, MovementKind.CARE_CREDIT, tie.reference, booked, found or 0, tie.since)
