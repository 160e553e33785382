"""Numbers with check digits: NPI, EIN, and what a card number looks like."""

from __future__ import annotations

import re

_NPI = re.compile(r"[12]\d{9}")
_NPI_CONSTANT = "80840"  # CMS: an NPI's check digit counts the card issuer prefix for US health
_EIN = re.compile(r"(\d{2})-(\d{7})")
_EIN_UNASSIGNED = frozenset(
    {"00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89",
     "96", "97"}
)  # fmt: skip
"""IRS, "How EINs are assigned and valid EIN prefixes": campuses that do not exist."""


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    numbers = [int(digit) for digit in reversed(digits)]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[1::2]]
    return (sum(numbers[::2]) + sum(doubled)) % 10 == 0


def npi_is_valid(npi: str) -> bool:
    """Ten digits, the first 1 or 2, with a check digit (45 CFR 162.406)."""
    return _NPI.fullmatch(npi) is not None and passes_luhn(_NPI_CONSTANT + npi)


def ein_is_valid(ein: str) -> bool:
    """`NN-NNNNNNN` with a prefix that the IRS gives out."""
    match = _EIN.fullmatch(ein)
    return match is not None and match[1] not in _EIN_UNASSIGNED and match[2] != "0000000"
