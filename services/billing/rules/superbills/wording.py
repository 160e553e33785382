"""What a superbill says of itself: title, notice, and what the clinic asserts.

The words are the clinic's, from a day on: rows of `superbill_wordings`. Which of them stand on a
superbill follows from its money and is nobody's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.refusals import Broken

NUMBERS = "{numbers}"
"""Where a month's words name the superbills that it gathers."""


class Standing(StrEnum):
    """How the money of a superbill stands.

    Paid in full; paid as far as the charge was not given up; given back in full, or never asked
    for; or owed again, because a payment did not come.
    """

    PAID = "paid"
    REDUCED = "reduced"
    REFUNDED = "refunded"
    OWED = "owed"


@dataclass(frozen=True, slots=True)
class Statement:
    title: str
    notice: str
    assertion: str


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """What the receipt beside a superbill says. `description` is of any visit, in neutral words."""

    title: str
    description: str
    notice: str


@dataclass(frozen=True, slots=True)
class Wording:
    """The clinic's words from a day on. `gathers` follows the notice of a month's superbill.

    `corrections` says why a version takes an earlier one's place, by the reason.
    """

    wording_id: int
    statements: Mapping[Standing, Statement]
    gathers: str
    receipt: ReceiptWords
    corrections: Mapping[str, str]

    def notice_of_month(self, standing: Standing, numbers: Sequence[str]) -> str:
        gathers = self.gathers.replace(NUMBERS, ", ".join(numbers))
        return f"{self.statements[standing].notice} {gathers}"


def standing_of(*, balance_cents: int, net_paid_cents: int, reduced_cents: int) -> Standing:
    """An insurer reimburses what a patient paid and kept paid, and nothing else."""
    if balance_cents != 0:
        return Standing.OWED
    if net_paid_cents == 0:
        return Standing.REFUNDED
    return Standing.REDUCED if reduced_cents else Standing.PAID


def broken_by_wording(standings: Sequence[Standing], gathers: str) -> list[Broken]:
    """What forbids recording words."""
    broken = []
    if sorted(standings) != sorted(Standing):
        broken.append(
            Broken(
                "wording_incomplete",
                "Give the words of each standing once: paid, reduced, refunded and owed.",
                "a superbill of any standing has its words",
                "statements",
            )
        )
    if NUMBERS not in gathers:
        broken.append(
            Broken(
                "numbers_missing",
                "Say with {numbers} where the gathered superbills are named: an insurer takes"
                " either them or the month's.",
                "one claim per service",
                "gathers",
            )
        )
    return broken
