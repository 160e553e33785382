"""Check digits. A number that checks may still be nobody's; one that does not is a typing error."""

from __future__ import annotations

import re

_NPI = re.compile(r"[12][0-9]{9}")
_NPI_CONSTANT = 24  # what the card issuer's prefix 80840 adds to the Luhn sum (CMS)
_DEA = re.compile(r"[A-Z][A-Z9][0-9]{7}")


def is_npi(number: str) -> bool:
    """Luhn over `80840` and the ten digits."""
    if not _NPI.fullmatch(number):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled) + _NPI_CONSTANT) % 10 == 0


def is_dea_number(number: str) -> bool:
    """(d1+d3+d5) + 2(d2+d4+d6) ends in d7."""
    if not _DEA.fullmatch(number):
        return False
    d = [int(digit) for digit in number[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]
