"""Numbers with check digits, as registries hand them out: NPI, DEA number, EIN.

A number that checks may still be nobody's; one that does not is a typing error, and is refused
where it is typed: a superbill or a prescription would fail on it weeks later.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from shared.refusals import Malformed
from shared.written import told

_NPI = re.compile(r"[12][0-9]{9}")
_NPI_PREFIX = "80840"
"""CMS: an NPI's check digit also counts the card issuer's prefix for US health."""

_DEA = re.compile(r"[A-Z][A-Z9][0-9]{7}")
_EIN = re.compile(r"([0-9]{2})-([0-9]{7})")
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


def is_npi(number: str) -> bool:
    """Ten digits, the first 1 or 2, the last a check digit (45 CFR 162.406)."""
    return _NPI.fullmatch(number) is not None and passes_luhn(_NPI_PREFIX + number)


def is_dea_number(number: str) -> bool:
    """Two letters, or a letter and a 9, and seven digits: (d1+d3+d5) + 2(d2+d4+d6) ends in d7."""
    if not _DEA.fullmatch(number):
        return False
    d = [int(digit) for digit in number[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def is_ein(number: str) -> bool:
    """`NN-NNNNNNN` with a prefix that the IRS gives out."""
    match = _EIN.fullmatch(number)
    return match is not None and match[1] not in _EIN_UNASSIGNED and match[2] != "0000000"


def _npi(number: str) -> str:
    if not is_npi(number):
        raise Malformed(
            "npi",
            "This is no NPI: its check digit does not fit the other nine digits.",
            "45 CFR 162.406: the last digit of an NPI is a check digit",
        )
    return number


def _dea_number(number: str) -> str:
    if not is_dea_number(number):
        raise Malformed(
            "dea_number",
            "This is no DEA number: its check digit does not fit the other six digits.",
            "DEA: the last digit of a registration number is a check digit",
        )
    return number


def _ein(number: str) -> str:
    if not is_ein(number):
        raise Malformed(
            "ein",
            "This is no EIN: the IRS gives none out that begins so.",
            "IRS: how EINs are assigned and valid EIN prefixes",
        )
    return number


Npi = Annotated[
    str,
    StringConstraints(pattern=told(r"^[12][0-9]{9}$", "ten digits, the first a 1 or a 2")),
    AfterValidator(_npi),
]
DeaNumber = Annotated[
    str,
    StringConstraints(pattern=told(r"^[A-Z][A-Z9][0-9]{7}$", "two letters and seven digits")),
    AfterValidator(_dea_number),
]
Ein = Annotated[
    str,
    StringConstraints(pattern=told(r"^[0-9]{2}-[0-9]{7}$", "nine digits such as 12-3456789")),
    AfterValidator(_ein),
]
