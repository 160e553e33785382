"""Names, addresses and e-mail as people have them, checked where they are taken in.

What is on record already is read as it is: these are forms of requests and of files, not of claims.
A name may be of any script, with marks, hyphens and apostrophes. What no name has is refused, for a
mistyped field is found by nobody later.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from shared.claims import Address, Email, Line, Name
from shared.refusals import Malformed
from shared.written import JOINERS, told

_IN_NAMES = frozenset("'`.,()/&\"\u00b4\uff07\u00b7\u30fb\u2027\u05f3\u05f4") | JOINERS
"""Apostrophes and points as scripts write them; a second name in brackets or behind a slash."""

_CATEGORIES = frozenset({"Nd", "Nl", "Zs", "Pd", "Pi", "Pf"})
"""Digits, for a third of a name, spaces, hyphens, quotation marks for apostrophes."""


def _name_of_somebody(name: str) -> str:
    if not any(unicodedata.category(each).startswith("L") for each in name):
        raise Malformed(
            "name_without_letters",
            "This has no letter; right would be a name as the person writes it, in any script.",
            "Unicode, UAX #44: letters of any script",
        )
    odd = (each for each in name if not _is_of_names(each))
    if next(odd, None) is not None:
        raise Malformed(
            "name_with_signs",
            "A sign in this is of no name; right would be letters of any script, marks, spaces,"
            " hyphens, apostrophes and points.",
            "Unicode, UAX #44: letters of any script, with what stands between them",
        )
    return name


def _is_of_names(each: str) -> bool:
    category = unicodedata.category(each)
    return category[0] in "LM" or category in _CATEGORIES or each in _IN_NAMES


PersonName = Annotated[Name, AfterValidator(_name_of_somebody)]
"""A given or a family name."""

PersonLine = Annotated[Line, AfterValidator(_name_of_somebody)]
"""A whole name on one line."""

_STATE = told(
    r"^(AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|"
    r"MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|"
    r"SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|AS|GU|MP|PR|VI|FM|MH|PW|AA|"
    r"AE|AP)$",
    "the two letters that the post has for a state, such as VA",
)
"""USPS Publication 28, appendix B: states, possessions, freely associated states, military."""

LOWEST_ZIP, HIGHEST_ZIP = "00501", "99950"
"""Holtsville, New York, and Ketchikan, Alaska: the first and the last that the USPS delivers to."""


class PostalAddress(Address):
    """Where the post of the United States goes."""

    state: Annotated[str, StringConstraints(pattern=_STATE)]

    @model_validator(mode="after")
    def _has_a_code_in_use(self) -> Self:
        if not LOWEST_ZIP <= self.postal_code[:5] <= HIGHEST_ZIP:
            raise Malformed(
                "unknown_zip",
                f"No ZIP code is this; right would be one from {LOWEST_ZIP} to {HIGHEST_ZIP}.",
                "USPS, ZIP codes in use",
                "postal_code",
            )
        return self


_LOCAL = re.compile(r"[^.@\s\"(),:;<>\[\]\\]+(\.[^.@\s\"(),:;<>\[\]\\]+)*")
_LABEL = re.compile(r"[^\W_]([\w-]{0,61}[^\W_])?")
_LOCAL_MAX = 64


def _can_be_mailed(email: str) -> str:
    local, _, domain = email.rpartition("@")
    labels = domain.split(".")
    if (
        len(local) > _LOCAL_MAX
        or not _LOCAL.fullmatch(local)
        or not all(_LABEL.fullmatch(each) and "_" not in each for each in labels)
        or labels[-1].isdecimal()
        or len(labels[-1]) == 1
    ):
        raise Malformed(
            "email_form",
            "No mail reaches this; right would be an address such as ada@example.org, its points"
            " neither doubled nor at an end.",
            "RFC 5321, section 4.1.2; RFC 1123, section 2.1",
        )
    return email


MailAddress = Annotated[Email, AfterValidator(_can_be_mailed)]
