"""Card numbers where none belongs: found however they are typed, and kept nowhere (PCI DSS 3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.identifiers import passes_luhn

_ISSUED = (
    (r"4", (13, 16, 19)),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"30[0-5]|3095|3[689]", (14,)),  # Diners Club
    (r"352[89]|35[3-8]", (16, 17, 18, 19)),  # JCB
    (r"6", (16, 17, 18, 19)),  # Discover, UnionPay, and store cards as CareCredit's
)
"""How cards' numbers begin, and how many digits they have.

Source: developer.cybersource.com, card type identification; for 6 the major industry of ISO/IEC
7812-1. One of ten numbers passes Luhn by chance; this keeps the references of long receipts usable.
"""

_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[^0-9A-Za-z]+(?=[0-9])")


def holds_card_number(words: str) -> bool:
    """Whether a text contains what could be a card's number, whatever stands between its digits."""
    runs = re.findall(r"[0-9]+", _BETWEEN_DIGITS.sub("", words))
    return any(passes_luhn(digits) for run in runs for digits in _like_a_cards(run))


def _like_a_cards(run: str) -> Iterator[str]:
    """Every stretch that begins as cards' numbers do and is as long as they are."""
    for begins, lengths in _ISSUED:
        for found in re.finditer(rf"(?={begins})", run):
            rest = run[found.start() :]
            yield from (rest[:length] for length in lengths if length <= len(rest))
