"""Days, moments and texts as they are written.

No day or moment is made of a number, although Pydantic would do it. A text has something to read in
it, and nothing that hides or turns around what stands beside it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

from pydantic import AfterValidator, BeforeValidator

from shared.refusals import Malformed


def _a_day(given: object) -> object:
    if isinstance(given, date) or (
        isinstance(given, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given)
    ):
        return given
    raise Malformed(
        "day_as_written", "A day is written as YYYY-MM-DD, such as 2026-10-05.", "RFC 3339"
    )


def _a_moment(given: object) -> object:
    if isinstance(given, datetime) or (isinstance(given, str) and not _is_number(given)):
        return given
    raise Malformed(
        "moment_as_written", "A moment is written as 2026-11-23T14:00:00Z, no number.", "RFC 3339"
    )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[0-9._]+\s*", text) is not None


A_DAY = BeforeValidator(_a_day)
A_MOMENT = BeforeValidator(_a_moment)

_PATTERNS: dict[str, str] = {}


def told(pattern: str, right: str) -> str:
    """A pattern of a text, as it is, and what is told to who breaks it: "right would be …"."""
    _PATTERNS[pattern] = right
    return pattern


def what_is_right(pattern: str) -> str | None:
    """What a text of this pattern is, in words."""
    return _PATTERNS.get(pattern)


SEEN = ("L", "N", "P", "S")
"""Letters, numbers, punctuation, symbols: the categories of what can be seen (UAX #44, 5.7.1)."""

UNSEEN = frozenset({"Cc", "Cf", "Co", "Zl", "Zp"})
"""Controls, marks of format, private characters, and what parts lines and paragraphs."""

JOINERS = frozenset("\u200c\u200d")
"""Names in Persian, Hindi and other scripts are written with them, and so are families of emoji."""

_SOURCE = "Unicode, UAX #44 and UTS #39: what a text hides is no part of what its reader reads"


def _legible(text: str) -> str:
    return _read(text, lines="")


def _legible_lines(text: str) -> str:
    return _read(text, lines="\t\r\n")


def _read(text: str, *, lines: str) -> str:
    if any(
        unicodedata.category(each) in UNSEEN and each not in JOINERS and each not in lines
        for each in text
    ):
        detail = "A character of this cannot be seen; type it anew instead of pasting it."
        raise Malformed("text_hides", detail, _SOURCE)
    if not any(unicodedata.category(each).startswith(SEEN) for each in text):
        raise Malformed("text_blank", "Nothing stands here that can be read.", _SOURCE)
    return text


LEGIBLE = AfterValidator(_legible)
"""For what stands on one line."""

LEGIBLE_LINES = AfterValidator(_legible_lines)
"""For what may have several."""
