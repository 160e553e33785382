"""References of receipts: one spelling each, and nothing in them that is not a receipt's.

A reference is printed, and stands in the clear: a card's number, a name or a diagnosis is refused.
"""

from __future__ import annotations

import re
from itertools import pairwise

from services.billing.rules.payments.card_numbers import holds_card_number
from shared.refusals import Broken

READ_APART = 3
"""Up to so many runs of letters or digits are read apart, as `CC-2291-A`; a code of more is one."""

_RUN = re.compile(r"[A-Z]+|[0-9]+")
_DIAGNOSIS = re.compile(r"(?<![A-Z0-9])([A-Z][0-9][0-9A-Z]\.[0-9A-Z]{1,4}|F[0-9]{2})(?![A-Z0-9.])")
"""ICD-10-CM with its point, and of chapter V, mental disorders, the three characters alone."""

_WHAT_IT_IS = (
    "Give the receipt's own number: of a check the bank and the number (MO 88812), of cash the"
    " till's slip (till 1), of CareCredit its reference (CC-2291-A)."
)

CARD_NUMBER = Broken(
    "reference_is_card_number",
    "This reads like a card number. Give the receipt's own reference.",
    "PCI DSS 3.4: no card number is kept",
    "reference",
)
NO_NUMBER = Broken(
    "reference_without_number",
    f"This has no number in it, so it may be a name, and it is no receipt's. {_WHAT_IT_IS}",
    "a reference is printed and kept in the clear: no patient is named in it",
    "reference",
)
DIAGNOSIS = Broken(
    "reference_reads_like_diagnosis",
    f"A part of this is written like a diagnosis. {_WHAT_IT_IS}",
    "a reference is printed and kept in the clear: nothing of the patient's health is in it",
    "reference",
)


def reference_as_kept(reference: str) -> str:
    """One spelling per reference, so that the same receipt cannot be used twice by retyping it.

    `till 1`, `Till-1` and `till1` are `TILL-1`. What parts two numbers counts: `10/43` is not
    `1043`.
    """
    runs = _RUN.findall(reference.upper())
    are_apart = len(runs) <= READ_APART
    kept = "".join(runs[:1])
    for before, run in pairwise(runs):
        is_new_word = are_apart or before.isdigit() == run.isdigit()
        kept += f"-{run}" if is_new_word else run
    return kept


def broken_by_reference(reference: str) -> list[Broken]:
    """What is no reference of a receipt."""
    if holds_card_number(reference):
        return [CARD_NUMBER]
    if not any(character.isdigit() for character in reference):
        return [NO_NUMBER]
    return [DIAGNOSIS] if _DIAGNOSIS.search(reference.upper()) else []
